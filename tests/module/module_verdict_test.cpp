// SPDX-License-Identifier: MIT
// The module's result for each verdict, and the content of its requests.
#include "tests/module/login.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <syslog.h>

namespace sesslimit::test {
namespace {

wire::Verdict denial(std::string_view text) {
    return {.outcome = wire::Outcome::denied, .session = 0, .text = text};
}

std::string closed_session(const FakeDaemon& daemon, std::size_t index) {
    const auto request = wire::decode_close(daemon.frame(index));
    return request ? std::to_string(request->session) : std::string(wire::describe(request.error()));
}

SESSLIMIT_TEST(admitted_session_opened_and_closed_by_key) {
    clear_log();
    const FakeDaemon daemon({admits(77), answers({.outcome = wire::Outcome::noted, .session = 0, .text = {}})});
    Login login(daemon.socket(), "");
    const int opened = login.open();
    const int closed = login.close();
    EXPECT(opened == PAM_SUCCESS, "open");
    EXPECT(closed == PAM_SUCCESS, "close");
    EXPECT_TEXT(login.said(), "");
    EXPECT(log_lines().empty(), "nothing in the log");
    EXPECT(daemon.connections() == 2, "one connection each");
    EXPECT_TEXT(closed_session(daemon, 1), "77");
}

SESSLIMIT_TEST(uncounted_login_opened_without_close_request) {
    const FakeDaemon daemon({answers({.outcome = wire::Outcome::uncounted, .session = 0, .text = {}})});
    Login login(daemon.socket(), "");
    const int opened = login.open();
    const int closed = login.close();
    EXPECT(opened == PAM_SUCCESS && closed == PAM_SUCCESS, "codes");
    EXPECT(daemon.connections() == 1, "a close request could be mistaken for that of another session");
}

SESSLIMIT_TEST(denied_login_shows_daemon_text) {
    clear_log();
    const FakeDaemon daemon({answers(denial("limit of 3 sessions reached\n  1  since 12:00\n  2  since 12:05"))});
    Login login(daemon.socket(), "");
    const int opened = login.open();
    EXPECT(opened == PAM_PERM_DENIED, "open");
    EXPECT_TEXT(login.said(), "error: limit of 3 sessions reached\n  1  since 12:00\n  2  since 12:05");
    EXPECT(!logged(LOG_NOTICE, "denied") && !logged(LOG_DEBUG, "denied"), "logged only by the daemon");
}

struct Shown {
    const char* sent;
    const char* said;
};
constexpr Shown shown_table[] = {
    {"", ""}, // the setting `quiet`
    {"\n\n", ""},
    {"a\x1b[2Jb\rc\x7f"
     "d\x01",
     "error: a[2Jbcd"},
    {"tab\tand\nline\n\n", "error: tab\tand\nline"},
    {"gr\xc3\xbc\xc3\x9f"
     "e \xc2\x9b"
     "2J",
     "error: gr\xc3\xbc\xc3\x9f"
     "e 2J"},
    {"100% %s %n", "error: 100% %s %n"},
};

SESSLIMIT_TEST(denied_login_text_has_no_control_characters) {
    for (const Shown& row : shown_table) {
        const FakeDaemon daemon({answers(denial(row.sent))});
        Login login(daemon.socket(), "");
        EXPECT(login.open() == PAM_PERM_DENIED, "denied");
        EXPECT_TEXT(login.said(), row.said);
    }
}

/// Cockpit inserts the text into JSON without escaping it.
SESSLIMIT_TEST(cockpit_shows_denial_in_single_line) {
    constexpr Shown table[] = {
        {"limit of 2 sessions reached. Open sessions:\n  session 1 on pts/1\n  session 2 on pts/2",
         "error: limit of 2 sessions reached. Open sessions: session 1 on pts/1 session 2 on pts/2"},
        {"\tlimit of 2 sessions shared by rule \"a\\x5cb\" reached\n\n",
         "error: limit of 2 sessions shared by rule 'a/x5cb' reached"},
        {" \n \t", ""},
        {"", ""},
    };
    for (const Shown& row : table) {
        const FakeDaemon daemon({answers(denial(row.sent))});
        Login login(daemon.socket(), "", ordinary_user, "cockpit");
        EXPECT(login.open() == PAM_PERM_DENIED, "denied");
        EXPECT_TEXT(login.said(), row.said);
    }
}

SESSLIMIT_TEST(longest_text_shown_completely) {
    const std::string text(wire::max_text, 'x');
    const FakeDaemon daemon({answers(denial(text))});
    Login login(daemon.socket(), "");
    (void)login.open();
    EXPECT_TEXT(login.said(), "error: " + text);
}

SESSLIMIT_TEST(quiet_and_silent_suppress_denial_text) {
    const FakeDaemon daemon({answers(denial("no"))});
    Login quiet(daemon.socket(), "quiet");
    Login silent(daemon.socket(), "");
    const int first = quiet.open();
    const int second = silent.open(PAM_SILENT);
    EXPECT(first == PAM_PERM_DENIED && second == PAM_PERM_DENIED, "denied anyway");
    EXPECT_TEXT(quiet.said(), "");
    EXPECT_TEXT(silent.said(), "");
}

wire::Verdict announcing(std::string_view text) {
    return {.outcome = wire::Outcome::admitted, .session = 5, .text = text};
}

SESSLIMIT_TEST(announcement_shown_as_information) {
    constexpr Shown table[] = {
        {"This session ends at 18:00 (in 8h), or after 15min without input.",
         "info: This session ends at 18:00 (in 8h), or after 15min without input."},
        {"one\ntwo\n", "info: one\ntwo"},
        {"\x1b[2J%s\x07", "info: [2J%s"},
        {"\n\n", ""},
        {"", ""},
    };
    for (const Shown& row : table) {
        clear_log();
        const FakeDaemon daemon({answers(announcing(row.sent))});
        Login login(daemon.socket(), "");
        EXPECT(login.open() == PAM_SUCCESS, "admitted");
        EXPECT_TEXT(login.said(), row.said);
        EXPECT(log_lines().empty(), "nothing in the log");
    }
}

SESSLIMIT_TEST(longest_announcement_shown_completely) {
    const std::string text(wire::max_text, 'x');
    const FakeDaemon daemon({answers(announcing(text))});
    Login login(daemon.socket(), "");
    EXPECT(login.open() == PAM_SUCCESS, "admitted");
    EXPECT_TEXT(login.said(), "info: " + text);
}

SESSLIMIT_TEST(quiet_and_silent_suppress_announcement) {
    const FakeDaemon daemon({answers(announcing("until 18:00"))});
    Login quiet(daemon.socket(), "quiet");
    Login silent(daemon.socket(), "");
    EXPECT(quiet.open() == PAM_SUCCESS && silent.open(PAM_SILENT) == PAM_SUCCESS, "admitted");
    EXPECT_TEXT(quiet.said(), "");
    EXPECT_TEXT(silent.said(), "");
}

/// Only counted sessions are announced.
SESSLIMIT_TEST(uncounted_login_shows_no_text) {
    const FakeDaemon daemon({answers({.outcome = wire::Outcome::uncounted, .session = 0, .text = "hello"})});
    Login login(daemon.socket(), "");
    EXPECT(login.open() == PAM_SUCCESS, "admitted");
    EXPECT_TEXT(login.said(), "");
}

SESSLIMIT_TEST(root_can_be_denied) {
    const FakeDaemon daemon({answers(denial("no"))});
    Login login(daemon.socket(), "", "root");
    EXPECT(login.open() == PAM_PERM_DENIED, "a denial applies to root, only failures do not");
}

SESSLIMIT_TEST(request_contains_pam_items) {
    const FakeDaemon daemon({admits(1)});
    Login login(daemon.socket(), "timeout=1500ms");
    login.set(PAM_TTY, "ssh");
    login.set(PAM_RHOST, "192.0.2.7");
    login.set(PAM_RUSER, "them");
    login.put("SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n");
    login.put("SSH_CONNECTION=192.0.2.7 5555 192.0.2.1 22");
    (void)login.open();
    const passwd* entry = getpwnam(ordinary_user);
    const auto request = wire::decode_open(daemon.frame(0));
    EXPECT(request.has_value(), "a request");
    EXPECT_TEXT(request->user, ordinary_user);
    EXPECT(request->uid == entry->pw_uid, "uid");
    EXPECT(request->gids.size() >= 1 && request->gids[0] == entry->pw_gid && !request->gids_cut, "gids");
    EXPECT_TEXT(request->service, "sshd");
    EXPECT_TEXT(request->tty, "ssh");
    EXPECT_TEXT(request->rhost, "192.0.2.7");
    EXPECT_TEXT(request->ruser, "them");
    EXPECT_TEXT(request->auth_info, "publickey ssh-ed25519 AAAA\n");
    EXPECT_TEXT(request->connection, "192.0.2.7 5555 192.0.2.1 22");
    EXPECT(request->budget_ms == 1500, "budget");
}

SESSLIMIT_TEST(seat_of_virtual_console_sent) {
    struct Case {
        std::string_view tty;
        std::string_view seat;
    };
    constexpr Case cases[] = {{"tty3", "seat0"}, {"/dev/tty3", "seat0"}, {"tty0", ""},       {"tty", ""},
                              {"ttyS0", ""},     {"pts/3", ""},          {"/dev/pts/3", ""}, {"/dev/", ""}};
    for (const Case& one : cases) {
        const FakeDaemon daemon({admits(1)});
        Login login(daemon.socket(), "");
        login.set(PAM_TTY, std::string(one.tty));
        (void)login.open();
        const auto request = wire::decode_open(daemon.frame(0));
        EXPECT(request.has_value() && request->seat == one.seat, one.tty);
    }
}

SESSLIMIT_TEST(unset_pam_items_not_sent) {
    const FakeDaemon daemon({admits(1)});
    Login login(daemon.socket(), "");
    const int opened = login.open();
    const auto request = wire::decode_open(daemon.frame(0));
    EXPECT(opened == PAM_SUCCESS && request.has_value(), "a request");
    EXPECT_TEXT(request->tty, "");
    EXPECT_TEXT(request->rhost, "");
    EXPECT_TEXT(request->ruser, "");
    EXPECT_TEXT(request->auth_info, "");
    EXPECT_TEXT(request->connection, "");
    EXPECT(request->budget_ms == 2000, "default budget");
}

SESSLIMIT_TEST(too_long_items_omitted_and_logged) {
    clear_log();
    const FakeDaemon daemon({admits(1)});
    Login login(daemon.socket(), "");
    login.set(PAM_TTY, std::string(wire::max_tty + 1, 't'));
    login.set(PAM_RHOST, std::string(wire::max_host + 1, 'h'));
    login.set(PAM_RUSER, std::string(wire::max_host + 1, 'r'));
    login.put("SSH_AUTH_INFO_0=" + std::string(wire::max_auth_info + 1, 'a'));
    login.put("SSH_CONNECTION=" + std::string(wire::max_connection + 1, 'c'));
    const int opened = login.open();
    const auto request = wire::decode_open(daemon.frame(0));
    EXPECT(opened == PAM_SUCCESS && request.has_value(), "a request");
    EXPECT_TEXT(request->tty, "");
    EXPECT_TEXT(request->rhost, wire::too_long_host);
    EXPECT_TEXT(request->ruser, "");
    EXPECT_TEXT(request->auth_info, "");
    EXPECT_TEXT(request->connection, "");
    for (const char* item : {"PAM_TTY", "PAM_RHOST", "PAM_RUSER", "SSH_AUTH_INFO_0", "SSH_CONNECTION"}) {
        EXPECT(logged(LOG_WARNING, item), item);
    }
}

SESSLIMIT_TEST(user_manager_not_requested) {
    const FakeDaemon daemon({answers(denial("no"))});
    Login login(daemon.socket(), "on_error=deny", ordinary_user, "systemd-user");
    const int opened = login.open();
    const int closed = login.close();
    EXPECT(opened == PAM_SUCCESS && closed == PAM_SUCCESS, "codes");
    EXPECT(daemon.connections() == 0, "no connection");
}

SESSLIMIT_TEST(close_refers_to_later_of_two_opens) {
    const FakeDaemon daemon({admits(5), admits(6)});
    Login login(daemon.socket(), "");
    const int first = login.open();
    const int second = login.open();
    (void)login.close();
    EXPECT(first == PAM_SUCCESS && second == PAM_SUCCESS, "codes");
    EXPECT_TEXT(closed_session(daemon, 2), "6");
}

SESSLIMIT_TEST(close_without_open_sends_no_key) {
    const FakeDaemon daemon({admits(5)});
    Login login(daemon.socket(), "");
    const int closed = login.close();
    EXPECT(closed == PAM_SUCCESS, "code");
    EXPECT_TEXT(closed_session(daemon, 0), "0");
}

SESSLIMIT_TEST(unknown_arguments_logged_and_ignored) {
    clear_log();
    const FakeDaemon daemon({admits(5)});
    Login login(daemon.socket(), "frobnicate timeout=never");
    const int opened = login.open();
    EXPECT(opened == PAM_SUCCESS, "open");
    EXPECT(daemon.connections() == 1, "asked anyway");
    EXPECT(logged(LOG_WARNING, "frobnicate"), "log");
    EXPECT(logged(LOG_WARNING, "timeout=never"), "log");
}

SESSLIMIT_TEST(debug_logs_successful_requests) {
    clear_log();
    const FakeDaemon daemon({admits(5)});
    Login login(daemon.socket(), "debug");
    (void)login.open();
    (void)login.close();
    EXPECT(logged(LOG_DEBUG, "admitted: session 5"), "open");
    EXPECT(logged(LOG_DEBUG, "closing session 5"), "close");
}

} // namespace
} // namespace sesslimit::test
