// SPDX-License-Identifier: MIT
#include "pam/arguments.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace sesslimit::pam {
namespace {

using namespace std::chrono_literals;

Arguments parse(const std::vector<const char*>& texts) {
    return parse_arguments(texts);
}

void none_is_as_shipped() {
    const Arguments got = parse({});
    EXPECT(got.timeout == 2s, "timeout");
    EXPECT(got.on_error == OnError::allow, "on_error");
    EXPECT(!got.quiet && !got.debug && got.ignored_count == 0, "flags");
    EXPECT_TEXT(got.socket, "/run/sesslimit.sock");
}

void all_are_taken() {
    const Arguments got = parse({"timeout=1min 500ms", "on_error=deny", "quiet", "debug", "socket=/run/other.sock"});
    EXPECT(got.timeout == 60500ms, "timeout");
    EXPECT(got.on_error == OnError::deny, "on_error");
    EXPECT(got.quiet && got.debug && got.ignored_count == 0, "flags");
    EXPECT_TEXT(got.socket, "/run/other.sock");
}

void the_last_of_two_holds() {
    const Arguments got = parse({"on_error=deny", "timeout=1s", "on_error=allow", "timeout=3s", "timeout=bad"});
    EXPECT(got.on_error == OnError::allow && got.timeout == 3s, "last good one");
    EXPECT(got.ignored_count == 1, "the bad one");
}

void bounds_of_the_timeout() {
    EXPECT(parse({"timeout=1ms"}).timeout == 1ms, "1ms");
    EXPECT(parse({"timeout=1h"}).timeout == 1h, "1h");
    EXPECT(parse({"timeout=3"}).timeout == 3s, "a bare number is seconds");
}

constexpr const char* bad_table[] = {
    "",
    "=",
    "timeout",
    "timeout=",
    "timeout=0",
    "timeout=999us",
    "timeout=61min",
    "timeout=x",
    "on_error",
    "on_error=",
    "on_error=Allow",
    "on_error=denyx",
    "quiet=yes",
    "Quiet",
    "debug=",
    "socket",
    "socket=",
    "socket=run/sock",
    "no_such=thing",
    "frobnicate",
    "quiet ",
    "timeoutx=1s",
};

void bad_ones_are_collected_and_change_nothing() {
    for (const char* text : bad_table) {
        const Arguments got = parse({text});
        EXPECT(got.ignored_count == 1 && got.ignored[0] == text, text);
        EXPECT(got.timeout == 2s && got.on_error == OnError::allow && !got.quiet && !got.debug, text);
        EXPECT_TEXT(got.socket, "/run/sesslimit.sock");
    }
}

void a_path_fits_a_socket_address() {
    const std::string fits = "socket=/" + std::string(106, 'p');
    const std::string too_long = "socket=/" + std::string(107, 'p');
    EXPECT_TEXT(parse({fits.c_str()}).socket, "/" + std::string(106, 'p'));
    EXPECT(parse({too_long.c_str()}).ignored_count == 1, "one more");
}

void more_than_fit_are_counted() {
    const std::vector<const char*> texts(50, "bad");
    const Arguments got = parse(texts);
    EXPECT(got.ignored_count == 50, "count");
    EXPECT_TEXT(got.ignored.back(), "bad");
}

void a_null_pointer_is_passed_over() {
    const Arguments got = parse({nullptr, "quiet"});
    EXPECT(got.quiet && got.ignored_count == 0, "null");
}

} // namespace
} // namespace sesslimit::pam

int main() {
    using namespace sesslimit::pam;
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(none_is_as_shipped),
        SESSLIMIT_TEST(all_are_taken),
        SESSLIMIT_TEST(the_last_of_two_holds),
        SESSLIMIT_TEST(bounds_of_the_timeout),
        SESSLIMIT_TEST(bad_ones_are_collected_and_change_nothing),
        SESSLIMIT_TEST(a_path_fits_a_socket_address),
        SESSLIMIT_TEST(more_than_fit_are_counted),
        SESSLIMIT_TEST(a_null_pointer_is_passed_over),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
