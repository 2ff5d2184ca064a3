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

SESSLIMIT_TEST(no_arguments_give_defaults) {
    const Arguments got = parse({});
    EXPECT(got.timeout == 2s, "timeout");
    EXPECT(got.on_error == OnError::allow, "on_error");
    EXPECT(!got.quiet && !got.debug && got.ignored_count == 0, "flags");
    EXPECT_TEXT(got.socket, "/run/sesslimit.sock");
}

SESSLIMIT_TEST(all_arguments_parsed) {
    const Arguments got = parse({"timeout=1min 500ms", "on_error=deny", "quiet", "debug", "socket=/run/other.sock"});
    EXPECT(got.timeout == 60500ms, "timeout");
    EXPECT(got.on_error == OnError::deny, "on_error");
    EXPECT(got.quiet && got.debug && got.ignored_count == 0, "flags");
    EXPECT_TEXT(got.socket, "/run/other.sock");
}

SESSLIMIT_TEST(last_valid_argument_wins) {
    const Arguments got = parse({"on_error=deny", "timeout=1s", "on_error=allow", "timeout=3s", "timeout=bad"});
    EXPECT(got.on_error == OnError::allow && got.timeout == 3s, "last valid value");
    EXPECT(got.ignored_count == 1, "the invalid value is ignored");
}

SESSLIMIT_TEST(timeout_bounds_accepted) {
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

SESSLIMIT_TEST(invalid_arguments_collected_and_ignored) {
    for (const char* text : bad_table) {
        const Arguments got = parse({text});
        EXPECT(got.ignored_count == 1 && got.ignored[0] == text, text);
        EXPECT(got.timeout == 2s && got.on_error == OnError::allow && !got.quiet && !got.debug, text);
        EXPECT_TEXT(got.socket, "/run/sesslimit.sock");
    }
}

SESSLIMIT_TEST(socket_path_limited_to_address_size) {
    const std::string fits = "socket=/" + std::string(106, 'p');
    const std::string too_long = "socket=/" + std::string(107, 'p');
    EXPECT_TEXT(parse({fits.c_str()}).socket, "/" + std::string(106, 'p'));
    EXPECT(parse({too_long.c_str()}).ignored_count == 1, "one byte too many");
}

SESSLIMIT_TEST(ignored_arguments_beyond_capacity_counted) {
    const std::vector<const char*> texts(50, "bad");
    const Arguments got = parse(texts);
    EXPECT(got.ignored_count == 50, "count");
    EXPECT_TEXT(got.ignored.back(), "bad");
}

SESSLIMIT_TEST(null_pointer_skipped) {
    const Arguments got = parse({nullptr, "quiet"});
    EXPECT(got.quiet && got.ignored_count == 0, "null");
}

} // namespace
} // namespace sesslimit::pam
