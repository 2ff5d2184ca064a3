// SPDX-License-Identifier: MIT
#include "ctl/client/enforcement.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <cstdlib>
#include <ctime>
#include <string_view>

using namespace sesslimit;
using namespace sesslimit::ctl;
using namespace sesslimit::test;

namespace {

using Source = UncountedLogins::Source;

SESSLIMIT_TEST(domain_is_type_of_label) {
    using namespace std::string_view_literals;
    struct Case {
        std::string_view label;
        const char* domain;
    };
    constexpr Case cases[] = {
        {"system_u:system_r:sesslimitd_t:s0", "sesslimitd_t"},
        {"system_u:system_r:initrc_t:s0-s0:c0.c1023", "initrc_t"},
        {"system_u:system_r:sesslimitd_t", "sesslimitd_t"},
        {"system_u:system_r:sesslimitd_t\0"sv, "sesslimitd_t"},
        {"system_u:system_r:sesslimitd_t\n", "sesslimitd_t"},
        {"system_u:system_r:sesslimitd_t:s0\n\0"sv, "sesslimitd_t"},
        {"a:b:\033[2J:s0", "\\x1b[2J"},
        {"unconfined", ""},
        {"a:b", ""},
        {"", ""},
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(domain_of(one.label), one.domain);
    }
}

SESSLIMIT_TEST(module_log_lines_distinguished_from_others) {
    struct Case {
        const char* message;
        const char* parsed; ///< "user|reason"; empty: not a line of the module
    };
    constexpr Case cases[] = {
        {"pam_sesslimit(sshd:session): alice admitted uncounted: cannot connect to the daemon: Connection refused",
         "alice|cannot connect to the daemon: Connection refused"},
        {"pam_sesslimit(login:session): ?x admitted uncounted: PAM_USER is missing or empty",
         "?x|PAM_USER is missing or empty"},
        {"pam_sesslimit(sshd:session): alice denied: cannot connect to the daemon", ""},
        {"pam_sesslimit(sshd:session): alice: admitted without being counted: session 0, 1 attempts", ""},
        {"pam_sesslimit(sshd:session): PAM_RHOST is too long and is not sent to the daemon", ""},
        {"pam_other(sshd:session): alice admitted uncounted: x", ""},
        {"x pam_sesslimit(sshd:session): alice admitted uncounted: x", ""},
        {"pam_sesslimit(sshd:session): admitted uncounted: x", ""},
        {"pam_sesslimit(sshd admitted uncounted: x): y", ""},
        {"pam_sesslimit(sshd:session): \033[2J admitted uncounted: \033x", "\033[2J|\033x"},
        {"", ""},
    };
    for (const Case& one : cases) {
        const auto login = parse_uncounted(one.message);
        EXPECT_TEXT(login ? login->user + "|" + login->reason : "", one.parsed);
    }
}

SESSLIMIT_TEST(uncounted_logins_since_daemon_start_at_most_one_day) {
    struct Case {
        Usec started;
        Usec since;
    };
    constexpr Case cases[] = {
        {noon - hour, noon - hour},
        {noon - 23 * hour, noon - 23 * hour},
        {noon - 25 * hour, noon - 24 * hour},
        {0, noon - 24 * hour},
        {noon + hour, noon}, // the clock was set back
    };
    for (const Case& one : cases) {
        FakeRemote remote;
        FakeHost host;
        remote.running.started = one.started;
        const Enforcement about = enforcement(remote, host, noon);
        EXPECT(host.asked_since == one.since && about.uncounted.since == one.since, std::to_string(one.started));
    }
}

SESSLIMIT_TEST(case_B01_daemon_in_other_domain_causes_warning) {
    struct Case {
        Selinux mode;
        const char* label;
        const char* words;
        bool warned;
    };
    constexpr Case cases[] = {
        {Selinux::off, "", "off", false},
        {Selinux::permissive, "u:r:initrc_t:s0", "permissive, sesslimitd runs as initrc_t", false},
        {Selinux::enforcing, "u:r:sesslimitd_t:s0", "enforcing, sesslimitd runs as sesslimitd_t", false},
        {Selinux::enforcing, "", "enforcing, domain of sesslimitd unknown", false},
        {Selinux::enforcing, "u:r:initrc_t:s0", "enforcing, sesslimitd runs as initrc_t", true},
        {Selinux::enforcing, "u:r:init_t:s0", "enforcing, sesslimitd runs as init_t", true},
        {Selinux::enforcing, "u:r:unconfined_service_t:s0", "enforcing, sesslimitd runs as unconfined_service_t", true},
    };
    for (const Case& one : cases) {
        FakeRemote remote;
        FakeHost host;
        remote.running.label = one.label;
        host.mode = one.mode;
        const Enforcement about = enforcement(remote, host, noon);
        EXPECT_TEXT(selinux_words(about), one.words);
        EXPECT(selinux_warning(about).has_value() == one.warned, one.words);
        EXPECT(warnings_of(about, noon).size() == (one.warned ? 1 : 0), one.words);
    }
    EXPECT_TEXT(selinux_warning({Selinux::enforcing, "initrc_t", {}}).value_or(""),
                "SELinux is enforcing and sesslimitd runs in the domain initrc_t instead of sesslimitd_t. "
                "SELinux may prevent login programs from connecting to sesslimitd. "
                "Install the package sesslimit-selinux or load its policy module, then run "
                "'restorecon -v /usr/sbin/sesslimitd' and 'systemctl restart sesslimitd.socket sesslimitd'.");
}

UncountedLogins three_logins() {
    return {.source = Source::journal,
            .since = noon - 2 * hour,
            .count = 3,
            .complete = true,
            .last = UncountedLogin{noon - 5 * minute, "alice", "cannot connect to the daemon: Permission denied"}};
}

SESSLIMIT_TEST(case_B01_uncounted_logins_reported) {
    const std::string since = " since 2026-11-23 12:00:00 UTC (2h ago)";
    const std::string last = ", the last one of alice at 2026-11-23 13:55:00 UTC (5min ago): cannot connect to the "
                             "daemon: Permission denied";
    UncountedLogins logins = three_logins();
    EXPECT_TEXT(uncounted_words(logins, noon), "3 logins" + since + last);
    logins.complete = false;
    EXPECT_TEXT(uncounted_words(logins, noon), "at least 3 logins" + since + last);
    logins.last.reset();
    EXPECT_TEXT(uncounted_words(logins, noon), "none found" + since + ", but not all journal entries were read");
    logins.complete = true;
    EXPECT_TEXT(uncounted_words(logins, noon), "no login" + since);
    EXPECT(warnings_of({Selinux::off, "", logins}, noon).empty(), "no warning");
    const auto warning = [](Selinux mode, std::uint32_t number) {
        UncountedLogins some = three_logins();
        some.count = number;
        return warnings_of({mode, "sesslimitd_t", some}, noon).at(0);
    };
    const std::string todo =
        ". The section FAILURES of pam_sesslimit(8) explains the reasons. See also 'systemctl status sesslimitd' and "
        "'journalctl -g \"pam_sesslimit.*admitted uncounted\"'";
    EXPECT_TEXT(warning(Selinux::off, 3), "3 logins were admitted without being counted" + since + last + todo + ".");
    EXPECT_TEXT(warning(Selinux::enforcing, 1), "1 login was admitted without being counted" + since + last + todo +
                                                    " and 'ausearch -m AVC -ts recent'.");
}

SESSLIMIT_TEST(case_B11_sessions_without_logind_and_sshd_without_pam_reported) {
    FakeRemote remote;
    for (const auto& [state, scope] : {std::pair("active", "session-1.scope"), {"active", ""}, {"admitted", ""}}) {
        Session session;
        session.state = state;
        session.scope = scope;
        remote.sessions.push_back(session);
    }
    FakeHost host;
    Enforcement about = enforcement(remote, host, noon);
    const auto warnings = warnings_of(about, noon);
    EXPECT(warnings.size() == 1 && warnings[0].starts_with("logind has no session for 1 open session,"), "one");
    about.without_logind = 0;
    about.sshd_without_pam = {"/etc/ssh/\033", 7, {}};
    EXPECT_TEXT(
        warnings_of(about, noon).at(0),
        "sshd does not use PAM (/etc/ssh/\\x1b:7). Therefore sesslimit neither counts nor limits ssh logins. Set "
        "'UsePAM yes' in /etc/ssh/sshd_config and reload sshd.");
}

SESSLIMIT_TEST(unreadable_journal_gives_no_count) {
    EXPECT_TEXT(uncounted_words({.source = Source::denied, .since = noon, .last = {}}, noon),
                "unknown (reading the journal requires root or group systemd-journal)");
    EXPECT_TEXT(uncounted_words({.source = Source::none, .since = noon, .last = {}}, noon),
                "unknown (no journal available)");
}

} // namespace
