// SPDX-License-Identifier: MIT
#include "ctl/output/report.hpp"
#include "ctl/output/table.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <cstdlib>
#include <ctime>
#include <sstream>

using namespace sesslimit;
using namespace sesslimit::ctl;
using namespace sesslimit::test;

namespace {

std::vector<Session> a_house_full() {
    Session bob = alices_session("9");
    bob.user = "bob";
    bob.service = "login";
    bob.terminals = {"tty1"};
    bob.origin.clear();
    bob.idle_since = noon - 45 * second;
    bob.idle_ends_at = infinity;
    bob.since = noon - 30 * hour;
    Session quiet = alices_session("c3");
    quiet.service = "sshd";
    quiet.terminals.clear();
    quiet.idle_since = 0;
    quiet.activity_sources.clear();
    quiet.last_activity.clear();
    quiet.idle_ends_at = infinity;
    quiet.duration_ends_at = infinity;
    quiet.origin = "a-very-long-host-name.branch-office.example.org";
    std::vector<Session> sessions{quiet, alices_session("12"), bob};
    sort_by_id(sessions);
    return sessions;
}

Style style_of_width(std::optional<std::size_t> width) {
    Style style;
    style.width = width;
    return style;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

SESSLIMIT_TEST(ids_sorted_numerically) {
    std::vector<Session> sessions;
    for (const char* id : {"k7", "c12", "100", "9", "12", "99999999999999999999999"}) {
        sessions.push_back(alices_session(id));
    }
    sort_by_id(sessions);
    std::string order;
    for (const Session& session : sessions) {
        order += session.id + " ";
    }
    EXPECT_TEXT(order, "9 12 100 99999999999999999999999 c12 k7 ");
}

SESSLIMIT_TEST(list_without_width_not_cut) {
    EXPECT_TEXT(
        list_text(a_house_full(), style_of_width(std::nullopt), noon),
        "SESSION USER  SERVICE TERMINAL FROM                                            SINCE            IDLE ACTIVITY "
        "       ENDS\n"
        "9       bob   login   tty1     -                                               2026-11-22 08:00 45s  input*, "
        "network 6h left\n"
        "12      alice sshd    pts/0    192.0.2.7                                       12:00            3min input*, "
        "network idle 12min left\n"
        "c3      alice sshd    -        a-very-long-host-name.branch-office.example.org 12:00            -    -        "
        " "
        "      -\n"
        "\n3 sessions listed.\n");
}

SESSLIMIT_TEST(list_on_80_columns) {
    EXPECT_TEXT(list_text(a_house_full(), style_of_width(80), noon),
                "SESSION USER  SERVICE TERMINAL FROM        SINCE            IDLE ENDS\n"
                "9       bob   login   tty1     -           2026-11-22 08:00 45s  6h left\n"
                "12      alice sshd    pts/0    192.0.2.7   12:00            3min idle 12min left\n"
                "c3      alice sshd    -        a-very-l... 12:00            -    -\n"
                "\n3 sessions listed.\n");
}

SESSLIMIT_TEST(list_on_narrow_terminal_keeps_important_columns) {
    EXPECT_TEXT(list_text(a_house_full(), style_of_width(40), noon), "SESSION USER  IDLE ENDS\n"
                                                                     "9       bob   45s  6h left\n"
                                                                     "12      alice 3min idle 12min left\n"
                                                                     "c3      alice -    -\n"
                                                                     "\n3 sessions listed.\n");
}

SESSLIMIT_TEST(list_fits_every_width) {
    for (std::size_t width = 20; width <= 200; ++width) {
        std::istringstream lines(list_text(a_house_full(), style_of_width(width), noon));
        for (std::string line; std::getline(lines, line);) {
            EXPECT(display_width(line) <= width, std::to_string(width) + ": " + line);
        }
    }
}

SESSLIMIT_TEST(empty_list_reported) {
    Style style;
    EXPECT_TEXT(list_text({}, style, noon), "No session listed.\n");
    style.legend = false;
    EXPECT_TEXT(list_text({}, style, noon), "");
}

SESSLIMIT_TEST(show_text_has_all_properties) {
    const std::string text = show_text(alices_session(), noon);
    for (const char* line : {"             Id: 12\n",
                             "            Key: 7\n",
                             "           User: alice\n",
                             "            Uid: 1000\n",
                             "          State: active\n",
                             "        Service: sshd\n",
                             "      Terminals: pts/0\n",
                             "         Origin: 192.0.2.7\n",
                             "           Seat: -\n",
                             "          Scope: session-12.scope\n",
                             "         Leader: 4711\n",
                             "        Adopted: no\n",
                             "          Since: 2026-11-23 12:00:00 UTC (2h ago)\n",
                             "      IdleSince: 2026-11-23 13:57:00 UTC (3min ago)\n",
                             "    MaxDuration: 8h\n",
                             "    IdleTimeout: 15min\n",
                             "ActivitySources: input, network\n",
                             "   LastActivity: input\n",
                             " DurationEndsAt: 2026-11-23 20:00:00 UTC (in 6h)\n",
                             "     IdleEndsAt: 2026-11-23 14:12:00 UTC (in 12min)\n",
                             "           Mode: enforce\n",
                             "         Reason: -\n"}) {
        EXPECT(contains(text, std::string(line).substr(1)), text + "lacks" + line);
    }
    EXPECT(contains(text, "NotEnded: processes of user@1000.service, such as those started with systemd-run --user\n"),
           text);
    EXPECT(!contains(text, "Credential"), "not shown to other users");
}

SESSLIMIT_TEST(show_text_lists_processes_affected_by_end) {
    Session session = alices_session();
    session.reach = ctl::TerminationPreview{.processes = 5,
                                            .commands = {"bash", "sshd", "tmux: server"},
                                            .kept = {"bash", "tmux: server"},
                                            .keep = {"tmux"},
                                            .other_units = {"run-r1.service", "sesslimit-kept-3-7.scope"},
                                            .lingers = true};
    std::string text = show_text(session, noon);
    for (const char* line : {"Ended: 5 processes: bash, sshd, tmux: server\n",
                             "Kept: bash, tmux: server, if a limit terminates the session\n",
                             "NotEnded: run-r1.service, sesslimit-kept-3-7.scope\n", "Lingers: yes\n"}) {
        EXPECT(contains(text, line), text + "lacks" + line);
    }
    session.reach = ctl::TerminationPreview{
        .processes = 1, .commands = {"sshd"}, .kept = {}, .keep = {"tmux"}, .other_units = {}, .lingers = false};
    text = show_text(session, noon);
    for (const char* line : {"Ended: 1 process: sshd\n", "Kept: -\n", "Lingers: no\n",
                             "NotEnded: nothing at present; in general processes of user@1000.service\n"}) {
        EXPECT(contains(text, line), text + "lacks" + line);
    }
}

SESSLIMIT_TEST(show_text_has_owner_only_properties) {
    Session session = alices_session();
    session.credential = "SHA256:abc";
    session.method = "publickey";
    session.remote_user = "";
    const std::string text = show_text(session, noon);
    EXPECT(contains(text, "Credential: SHA256:abc\n"), text);
    EXPECT(contains(text, "Method: publickey\n"), text);
    EXPECT(contains(text, "RemoteUser: -\n"), text);
}

Explanation an_explanation() {
    return {.counts = true,
            .why = "one per connection",
            .settings = {{"max_sessions", "1", "managed", "contractors", "/etc/sesslimit/managed.d/10.toml", 12},
                         {"max_duration", "12h", "host", "", "/etc/sesslimit/policy.toml", 8},
                         {"idle_timeout", "unlimited", "", "", "", 0}},
            .rules = {{"managed", "contractors", "/etc/sesslimit/managed.d/10.toml", "max_sessions = 1", 10, true},
                      {"host", "staff", "/etc/sesslimit/policy.toml", "max_sessions = 5", 20, false}},
            .outcome = "would be denied: 1 of 1 session is open"};
}

SESSLIMIT_TEST(explain_text_lists_source_of_each_setting) {
    const ExplainQuery question{.user = "alice",
                                .groups = {"wheel"},
                                .service = "sshd",
                                .origin = "192.0.2.7",
                                .method = {},
                                .credential = {},
                                .seat = {}};
    EXPECT_TEXT(explain_text(question, an_explanation(), Style{}),
                "A login of alice by sshd from 192.0.2.7 in group wheel\n"
                "\n"
                "SETTING      VALUE     SET BY                     AT\n"
                "max_sessions 1         managed rule \"contractors\" /etc/sesslimit/managed.d/10.toml:12\n"
                "max_duration 12h       host [defaults]            /etc/sesslimit/policy.toml:8\n"
                "idle_timeout unlimited built-in default           -\n"
                "\n"
                "Rules that match this login but are overridden by stricter values:\n"
                "  host rule \"staff\" at /etc/sesslimit/policy.toml:20: max_sessions = 5\n"
                "\n"
                "Counts: yes, one per connection\n"
                "   Now: would be denied: 1 of 1 session is open\n");
}

SESSLIMIT_TEST(explain_text_omits_empty_list_of_losing_rules) {
    Explanation explanation = an_explanation();
    explanation.rules.pop_back();
    explanation.counts = false;
    explanation.why = "its service is ignored";
    const std::string text = explain_text(
        {.user = "alice", .groups = {}, .service = {}, .origin = {}, .method = {}, .credential = {}, .seat = {}},
        explanation, Style{});
    EXPECT(!contains(text, "Rules that"), text);
    EXPECT(contains(text, "Counts: no, its service is ignored\n"), text);
}

SESSLIMIT_TEST(status_text_states_policy_in_effect) {
    const Enforcement good{
        Selinux::enforcing, "sesslimitd_t", {.source = UncountedLogins::Source::journal, .since = noon - hour}};
    const auto policy_of = [&](const char* state, PolicyFiles files = PolicyFiles::unknown) {
        return status_text({"0.2.0", state, noon - hour, 3, true}, files, good, noon);
    };
    EXPECT_TEXT(policy_of("files"), "  Version: 0.2.0\n"
                                    "   Policy: loaded from the policy files\n"
                                    "    Since: 2026-11-23 13:00:00 UTC (1h ago)\n"
                                    " Sessions: 3\n"
                                    "Recording: yes\n"
                                    "  SELinux: enforcing, sesslimitd runs as sesslimitd_t\n"
                                    "Uncounted: no login since 2026-11-23 13:00:00 UTC (1h ago)\n");
    EXPECT_TEXT(policy_of("files", PolicyFiles::same), policy_of("files"));
    EXPECT(contains(policy_of("files", PolicyFiles::changed), "have changed since (run 'sesslimitctl reload')"),
           "files");
    EXPECT(contains(policy_of("kept"), "(the policy files were rejected; run 'sesslimitctl check')"), "kept");
    EXPECT(contains(policy_of("kept", PolicyFiles::same), "again (run 'sesslimitctl reload')"), "restored");
    Status rejected{"0.2.0", "kept", noon - hour, 3, true};
    rejected.policy_problems = {"/p.toml:3:1: error: a\033"};
    EXPECT(status_text(rejected, PolicyFiles::changed, good, noon)
               .ends_with("\nErrors in the policy files when they were last loaded:\n  /p.toml:3:1: error: a\\x1b\n"),
           status_text(rejected, PolicyFiles::changed, good, noon));
    EXPECT(contains(policy_of("none"), "running without limits"), "none");
    EXPECT(contains(status_text({"0.2.0", "files", 0, 0, false}, PolicyFiles::same, good, noon),
                    "Recording: no (session start times are lost if sesslimitd restarts; see 'journalctl"),
           "no ledger");
}

SESSLIMIT_TEST(case_D12_audit_warns_of_missing_ledger) {
    EXPECT(!recording_warning({"0.2.0", "files", 0, 0, true}), "recording");
    EXPECT(contains(recording_warning({"0.2.0", "files", 0, 0, false}).value_or(""),
                    "'systemctl restart sesslimitd' to create a new ledger."),
           "not recording");
}

SESSLIMIT_TEST(case_B01_status_warns_of_missing_enforcement) {
    const Enforcement bad{Selinux::enforcing,
                          "initrc_t",
                          {.source = UncountedLogins::Source::journal,
                           .since = noon - hour,
                           .count = 2,
                           .last = UncountedLogin{noon, "alice", "cannot connect to the daemon"}}};
    const std::string text = status_text({"0.2.0", "files", 0, 0, true}, PolicyFiles::same, bad, noon);
    EXPECT(contains(text, "SELinux: enforcing, sesslimitd runs as initrc_t\n") &&
               contains(text, "Uncounted: 2 logins since 2026-11-23 13:00:00 UTC (1h ago), the last one of alice at "),
           text);
    EXPECT(contains(text, "\n\nWarnings:\n  SELinux is enforcing and sesslimitd runs in the domain initrc_t ") &&
               contains(text, "\n  2 logins were admitted without being counted since ") && text.ends_with(".\n"),
           text);
}

SESSLIMIT_TEST(event_text_is_one_line) {
    Event event{.name = "warned", .at = noon, .session = alices_session(), .policy_state = {}, .left = 5 * minute};
    event.session.reason = "no input for 15min";
    EXPECT_TEXT(event_text(event, Style{}),
                "2026-11-23 14:00:00 warned       12 alice sshd from 192.0.2.7, 5min left: no input for 15min\n");
    event = {.name = "denied", .at = noon, .session = alices_session(""), .policy_state = {}, .left = {}};
    event.session.reason = "limit of 3 sessions reached";
    EXPECT_TEXT(event_text(event, Style{}),
                "2026-11-23 14:00:00 denied       - alice sshd from 192.0.2.7: limit of 3 sessions reached\n");
    Style colourful;
    colourful.colour = true;
    EXPECT(contains(event_text(event, colourful), "\033[31mdenied      \033[0m "), "red");
    event = {.name = "policy-changed", .at = noon, .session = {}, .policy_state = "kept", .left = {}};
    EXPECT_TEXT(event_text(event, Style{}), "2026-11-23 14:00:00 policy-changed kept\n");
}

} // namespace
