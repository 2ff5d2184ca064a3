// SPDX-License-Identifier: MIT
#include "pam/answer.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <security/pam_modules.h>
#include <syslog.h>

#include <array>
#include <string>

namespace sesslimit::pam {
namespace {

constexpr RequestOutcome failures[] = {
    RequestOutcome::no_user,       RequestOutcome::user_too_long, RequestOutcome::unknown_user,
    RequestOutcome::lookup_failed, RequestOutcome::no_service,    RequestOutcome::no_memory,
    RequestOutcome::bad_request,   RequestOutcome::no_socket,     RequestOutcome::no_daemon,
    RequestOutcome::timed_out,     RequestOutcome::hung_up,       RequestOutcome::unreadable,
    RequestOutcome::other_version, RequestOutcome::undecided,
};

SESSLIMIT_TEST(verdict_applies_to_all_users) {
    for (const OnError on_error : {OnError::allow, OnError::deny}) {
        for (const bool root : {false, true}) {
            EXPECT(answer_to(RequestOutcome::admitted, on_error, root).code == PAM_SUCCESS, "admitted");
            EXPECT(answer_to(RequestOutcome::uncounted, on_error, root).code == PAM_SUCCESS, "uncounted");
            EXPECT(answer_to(RequestOutcome::denied, on_error, root).code == PAM_PERM_DENIED, "denied");
            EXPECT(answer_to(RequestOutcome::denied, on_error, root).text == nullptr, "only the daemon's text");
        }
    }
    EXPECT(answer_to(RequestOutcome::admitted, OnError::deny, false).priority == LOG_DEBUG, "logged only with debug");
}

SESSLIMIT_TEST(failure_follows_on_error_but_admits_root) {
    for (const RequestOutcome failure : failures) {
        const Answer allowed = answer_to(failure, OnError::allow, false);
        const Answer denied = answer_to(failure, OnError::deny, false);
        const Answer root = answer_to(failure, OnError::deny, true);
        EXPECT(allowed.code == PAM_SUCCESS && allowed.text == nullptr && allowed.priority == LOG_WARNING, allowed.log);
        EXPECT(denied.code == PAM_SESSION_ERR && denied.text != nullptr && denied.priority == LOG_ERR, denied.log);
        EXPECT(root.code == PAM_SUCCESS && root.text == nullptr && root.priority == LOG_WARNING, root.log);
    }
}

SESSLIMIT_TEST(text_cut_to_buffer_size) {
    std::array<char, 4> out{'x', 'x', 'x', 'x'};
    clean_text("abcdef", out);
    EXPECT_TEXT(out.data(), "abc");
    clean_text("ab\n\n", out);
    EXPECT_TEXT(out.data(), "ab");
    clean_text("", out);
    EXPECT_TEXT(out.data(), "");
    std::array<char, 1> least{'x'};
    clean_text("a", least);
    EXPECT_TEXT(least.data(), "");
}

SESSLIMIT_TEST(truncated_character_not_treated_as_control_character) {
    std::array<char, 8> out{};
    clean_text("a\xc2", out);
    EXPECT_TEXT(out.data(), "a\xc2");
    clean_text("\xc2\x80\xc2\x9f\xc2\xa0", out);
    EXPECT_TEXT(out.data(), "\xc2\xa0");
}

SESSLIMIT_TEST(single_line_needs_no_escapes_in_json) {
    struct Case {
        std::string text;
        std::string_view line;
    };
    const Case cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"one\n  two\t\tthree", "one two three"},
        {"\n\t one", "one"},
        {"\"one\" \\x5c\\", "'one' /x5c/"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
    };
    for (Case one : cases) {
        make_single_line(one.text.data());
        EXPECT_TEXT(one.text.c_str(), one.line);
    }
}

} // namespace
} // namespace sesslimit::pam
