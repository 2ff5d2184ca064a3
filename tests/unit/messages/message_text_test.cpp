// SPDX-License-Identifier: MIT
#include "common/protocol.hpp"
#include "daemon/messages/message_text.hpp"
#include "daemon/messages/missed_reasons.hpp"
#include "daemon/policy/template.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <algorithm>
#include <ctime>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;
using Kind = Notice::Kind;

/// 2026-11-22 14:02:00 UTC.
constexpr Duration afternoon = 1'795'356'120s;
const messages::WallClock clock_face{.now = start, .wall_offset = afternoon - start.time_since_epoch()};
const std::string hostile = "x\x1B]0;pwned\a\n\r\xE2\x80\xAE\xFFy\\z";
const std::string tamed = "x\\x1b]0;pwned\\x07\\x0a\\x0d\\xe2\\x80\\xae\\xffy\\x5cz";

Session denied(policy::Count limit, const Login& login = ssh()) {
    Session session = session_in(Phase::denied, key(999));
    session.login = login;
    session.reason.count = limit;
    return session;
}

/// Returns a state with this number of sessions, opened a minute after each other, the last of them just now.
State open_sessions(std::uint64_t count, const Login& login = ssh()) {
    State state;
    for (std::uint64_t number = 1; number <= count; ++number) {
        Session session = session_in(Phase::active, key(number));
        session.login = login;
        session.logind_id = "c" + std::to_string(number);
        session.opened = start - std::chrono::minutes(count - number);
        state.put(session);
    }
    return state;
}

std::vector<std::string> one_terminal(const Session& session) {
    return {"pts/" + std::to_string(static_cast<std::uint64_t>(session.key))};
}

std::string text_of(const Session& session, const State& state,
                    const messages::TerminalNames& terminals = one_terminal) {
    return messages::denial_text(session, state, clock_face, terminals);
}

SESSLIMIT_TEST(denial_text_has_reason_and_open_sessions) {
    EXPECT_TEXT(text_of(denied(0), {}), "Login denied for alice: no sessions are allowed.");
    EXPECT_TEXT(text_of(denied(1), open_sessions(1)),
                "Login denied for alice: limit of 1 session reached. Open sessions:\n"
                "  session c1 on pts/1, since 14:02 (0s), from 192.0.2.7");
    EXPECT_TEXT(text_of(denied(3), open_sessions(3)),
                "Login denied for alice: limit of 3 sessions reached. Open sessions:\n"
                "  session c1 on pts/1, since 14:00 (2min), from 192.0.2.7\n"
                "  session c2 on pts/2, since 14:01 (1min), from 192.0.2.7\n"
                "  session c3 on pts/3, since 14:02 (0s), from 192.0.2.7");
}

SESSLIMIT_TEST(denial_text_in_words_of_policy) {
    struct Case {
        std::string_view message;
        std::string_view text;
    };
    constexpr Case cases[] = {
        {"{user}: {open} of {limit}, from {host}", "alice: 0 of 0, from 192.0.2.7"},
        {"", "Login denied for alice: no sessions are allowed."},
        {"{sessions}", "Login denied for alice: no sessions are allowed."}, // the list is empty
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(messages::denial_text(denied(0), {}, clock_face, one_terminal, one.message), one.text);
    }
}

SESSLIMIT_TEST(denial_text_describes_each_session) {
    struct Case {
        void (*change)(Session&);
        std::vector<std::string> terminals;
        std::string_view line;
    };
    const Case cases[] = {
        {[](Session&) {}, {}, "  session c1 (sshd, no terminal), since 14:00 (2min), from 192.0.2.7"},
        {[](Session&) {}, {"pts/1", "pts/2"}, "  session c1 on pts/1, pts/2, since 14:00 (2min), from 192.0.2.7"},
        {[](Session&) {},
         {"pts/1", "pts/2", "pts/3", "pts/4", "pts/5", "pts/6"},
         "  session c1 on pts/1, pts/2, pts/3, pts/4 and 2 more, since 14:00 (2min), from 192.0.2.7"},
        {[](Session& s) { s.login.rhost.clear(); },
         {"tty1"},
         "  session c1 on tty1, since 14:00 (2min), from this host"},
        {[](Session& s) { s.logind_id.clear(); },
         {},
         "  session (new) (sshd, no terminal), since 14:00 (2min), from 192.0.2.7"},
        {[](Session& s) { s.phase = Phase::ending; },
         {"tty1"},
         "  session c1 on tty1, since 14:00 (2min), from 192.0.2.7, ending"},
        {[](Session& s) { s.opened = start - 26h - 30min; },
         {"tty1"},
         "  session c1 on tty1, since 2026-11-21 11:32 (1d 2h 30min), from 192.0.2.7"},
        {[](Session& s) { s.login.rhost = hostile; },
         {hostile},
         "  session c1 on x\\x1b]0;pwned\\x07\\x0a\\x0d\\xe2\\x80\\xae\\xffy\\x5cz, since 14:00 (2min), from "
         "x\\x1b]0;pwned\\x07\\x0a\\x0d\\xe2\\x80\\xae\\xffy\\x5cz"},
    };
    for (const Case& one : cases) {
        Session session = session_in(Phase::active);
        session.opened = start - 2min;
        one.change(session);
        State state;
        state.put(session);
        const std::string text = text_of(denied(1), state, [&one](const Session&) { return one.terminals; });
        EXPECT_TEXT(text.substr(text.find('\n') + 1), one.line);
    }
}

SESSLIMIT_TEST(denial_text_lists_only_counted_sessions) {
    State state = open_sessions(1);
    for (const Phase phase : {Phase::waiting, Phase::denied, Phase::closed}) {
        Session session = session_in(phase, key(10 + static_cast<std::uint64_t>(phase)));
        state.put(session);
    }
    Session bobs = session_in(Phase::active, key(20));
    bobs.login = ssh(bob);
    state.put(bobs);
    const std::string text = text_of(denied(1), state);
    EXPECT(std::ranges::count(text, '\n') == 1, text);
}

SESSLIMIT_TEST(denial_text_cuts_long_list) {
    const std::string text = text_of(denied(25), open_sessions(25));
    EXPECT(std::ranges::count(text, '\n') == 21, text);
    EXPECT(text.ends_with("\n  and 5 more"), text);
    EXPECT(text.starts_with("Login denied for alice: limit of 25 sessions reached. Open sessions:\n  session c1 "),
           text);
}

/// Data that users can control: names and hosts of maximum length, and any number of terminals.
SESSLIMIT_TEST(denial_text_always_fits_wire_frame) {
    const std::string longest(255, '\x1B');
    Login login = ssh();
    login.user = longest;
    login.rhost = longest;
    login.service = std::string(64, '\n');
    for (const std::size_t terminals : {0U, 1U, 3U, 10U, 4000U}) {
        for (const std::uint64_t sessions : {0U, 1U, 20U, 200U}) {
            const std::string text =
                text_of(denied(200, login), open_sessions(sessions, login),
                        [terminals](const Session&) { return std::vector<std::string>(terminals, "pts/1234"); });
            EXPECT(text.size() <= wire::max_text, std::to_string(text.size()));
            EXPECT(text.find('\x1B') == std::string::npos, "no escape sequences");
            EXPECT(sessions == 0 || text.find("\n  session c1") != std::string::npos, "the oldest session is listed");
            EXPECT(sessions < 200 || text.find(" more") != std::string::npos, "the others are counted");
        }
    }
}

Notice notice_of(Kind kind, Reason reason = {}, Duration left = {}) {
    return {.kind = kind, .session = session_in(Phase::active), .reason = std::move(reason), .left = left};
}

Reason because(Cause cause, std::uint32_t count = 0, Duration span = {}, std::string by = {}) {
    return {.cause = cause, .count = count, .span = span, .by = std::move(by)};
}

/// Returns the reason of a denial while web1, web2, ... occupy the slots.
Reason full_fleet(std::size_t named, std::uint32_t count) {
    Reason reason = because(Cause::fleet_limit_reached, 3);
    reason.holders.count = count;
    for (std::size_t host = 1; host <= named; ++host) {
        reason.holders.named.push_back({"web" + std::to_string(host), 1'795'356'120 + 60 * host});
    }
    return reason;
}

/// Returns the reason with an unknown start of the first session.
Reason of_unknown_start(Reason reason) {
    reason.holders.named.front().since = 0;
    return reason;
}

SESSLIMIT_TEST(reason_texts) {
    struct Case {
        Reason reason;
        std::string_view text;
    };
    const Case cases[] = {
        {{}, "no reason given"},
        {because(Cause::limit_reached, 0), "no sessions are allowed"},
        {because(Cause::limit_reached, 1), "limit of 1 session reached"},
        {because(Cause::limit_reached, 3), "limit of 3 sessions reached"},
        {because(Cause::limit_reached, 3, {}, "staff"), "limit of 3 sessions shared by rule \"staff\" reached"},
        {because(Cause::duration, 0, 12h), "maximum duration of 12h reached"},
        {because(Cause::idle, 0, 15min), "no input for 15min"},
        {because(Cause::leader_gone), "leader process exited"},
        {because(Cause::displaced, 2, {}, "192.0.2.9"),
         "limit of 2 sessions reached, displaced by a newer login from 192.0.2.9"},
        {because(Cause::displaced, 1), "limit of 1 session reached, displaced by a newer login from this host"},
        {because(Cause::fleet_limit_reached, 1), "limit of 1 session on all hosts reached"},
        {full_fleet(2, 2), "limit of 3 sessions on all hosts reached: web1 since 2026-11-22 14:03, "
                           "web2 since 2026-11-22 14:04"},
        {full_fleet(5, 20), "limit of 3 sessions on all hosts reached: web1 since 2026-11-22 14:03, "
                            "web2 since 2026-11-22 14:04, web3 since 2026-11-22 14:05 and 17 more"},
        {of_unknown_start(full_fleet(2, 2)),
         "limit of 3 sessions on all hosts reached: web1, web2 since 2026-11-22 14:04"},
        {because(Cause::fleet_unavailable, 3), "limit of 3 sessions on all hosts cannot be checked"},
        {because(Cause::requested, 0, {}, "root"), "requested by root"},
        {because(Cause::requested, 0, {}, hostile),
         "requested by x\\x1b]0;pwned\\x07\\x0a\\x0d\\xe2\\x80\\xae\\xffy\\x5cz"},
        {because(Cause::logind_idle, 0, 10min), "stopped by logind, probably as idle (StopIdleSessionSec=10min)"},
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(messages::reason_text(one.reason), one.text);
    }
}

const std::string header = "Message from sesslimit on lab (Sun Nov 22 14:02:00 2026):\n";

Notice locking(Notice notice) {
    notice.locks = true;
    return notice;
}

Notice with_note(Notice notice, std::string note) {
    notice.note = std::move(note);
    return notice;
}

Notice kept_by(const core::Sources& sources, Notice notice) {
    notice.sources = sources;
    return notice;
}

Notice saying(std::string message, Notice notice) {
    notice.message = std::move(message);
    return notice;
}

/// Returns the text of a notice on a terminal.
std::string terminal_text(const Notice& notice, const messages::WallClock& clock, std::string_view host) {
    const std::string text = messages::notice_text(notice, clock);
    return text.empty() ? text : messages::with_header(text, clock, host);
}

SESSLIMIT_TEST(terminal_texts) {
    struct Case {
        Notice notice;
        std::string_view text;
    };
    const Reason unseen = because(Cause::idle, 1, 15min);
    const Reason idle = because(Cause::idle, 0, 15min);
    const Reason duration = because(Cause::duration, 0, 12h);
    const Case cases[] = {
        {kept_by({.input = true, .unread_keys = true}, notice_of(Kind::warned, idle, 5min)),
         "This session ends in 5min, at 14:07: no input (idle limit 15min). Press a key to keep the session open."},
        {kept_by({.input = true}, notice_of(Kind::warned, idle, 5s)),
         "This session ends in 5s, at 14:02:05: no input (idle limit 15min). Press a key at a prompt to keep the "
         "session open."},
        {kept_by({.input = true, .network = true, .unread_keys = true}, notice_of(Kind::warned, unseen, 5min)),
         "This session ends in 5min, at 14:07: no activity detected (idle limit 15min). Press a key or transfer data "
         "to keep the session open."},
        {kept_by({.input = true, .channel = true, .output = true, .processor = true},
                 notice_of(Kind::warned, unseen, 5min)),
         "This session ends in 5min, at 14:07: no activity detected (idle limit 15min). Press a key at a prompt, "
         "transfer data, let a program write output or let a program use CPU time to keep the session open."},
        {locking(notice_of(Kind::warned, idle, 5min)),
         "This session will be locked in 5min, at 14:07: no activity detected "
         "(idle limit 15min). Press a key to keep the session unlocked."},
        {notice_of(Kind::warned, duration, 59s + 400ms),
         "This session ends in 59s, at 14:02:59: its maximum duration is 12h. Save your work before the session ends."},
        {notice_of(Kind::warned, duration, 10h + 5min + 3s),
         "This session ends in 10h 5min, at 2026-11-23 00:07: its maximum duration is 12h. Save your work before "
         "the session ends."},
        {notice_of(Kind::kept), "This session stays open: activity detected."},
        {notice_of(Kind::ending, idle), "This session was terminated: no input for 15min."},
        {notice_of(Kind::ending, unseen), "This session was terminated: no activity for 15min."},
        {with_note(notice_of(Kind::ending, idle), "Maintenance."),
         "This session was terminated: no input for 15min.\nMessage: Maintenance."},
        {saying("Goodbye, {user}.\n{{{reason}}}\nIt was {session}, from {host}.", notice_of(Kind::ending, idle)),
         "Goodbye, alice.\n{no input for 15min}\nIt was c1, from 192.0.2.7."},
        {notice_of(Kind::locked, idle), ""},
        {notice_of(Kind::admitted), ""},
        {notice_of(Kind::adopted), ""},
        {notice_of(Kind::denied), ""},
        {notice_of(Kind::would_deny), ""},
        {notice_of(Kind::would_end, idle), ""},
        {notice_of(Kind::forced, idle), ""},
        {notice_of(Kind::ended, idle), ""},
        {notice_of(Kind::released), ""},
        {notice_of(Kind::over_limit), ""},
        {notice_of(Kind::displacement_limited), ""},
        {notice_of(Kind::fleet_unsure), ""},
        {notice_of(Kind::fleet_over_limit), ""},
    };
    for (const Case& one : cases) {
        const std::string text = one.text.empty() ? "" : header + std::string(one.text);
        EXPECT_TEXT(terminal_text(one.notice, clock_face, "lab"), text);
    }
}

SESSLIMIT_TEST(missed_reason_has_date_and_origin) {
    const Reason idle = because(Cause::idle, 0, 15min);
    EXPECT_TEXT(messages::missed_termination(notice_of(Kind::ending, idle), clock_face),
                "On 2026-11-22 14:02, session c1 (sshd, from 192.0.2.7) was terminated: no input for 15min.");
    EXPECT_TEXT(messages::missed_termination(with_note(notice_of(Kind::ending, idle), "Bye."), clock_face),
                "On 2026-11-22 14:02, session c1 (sshd, from 192.0.2.7) was terminated: no input for 15min. Message: "
                "Bye.");
    EXPECT_TEXT(messages::missed_denial(denied(3), clock_face),
                "On 2026-11-22 14:02, a login (sshd, from 192.0.2.7) was denied: limit of 3 sessions reached.");
    Notice longest = with_note(notice_of(Kind::ending, because(Cause::requested)), std::string(256, '\x1B'));
    longest.reason.by = std::string(255, '\x1B');
    longest.session.login.service = longest.session.login.rhost = longest.session.logind_id = std::string(255, '\x1B');
    EXPECT(messages::missed_termination(longest, clock_face).size() <= messages::MissedReasons::max_length, "bounded");
}

SESSLIMIT_TEST(message_of_requester_escaped) {
    EXPECT_TEXT(
        terminal_text(with_note(notice_of(Kind::ending, because(Cause::duration, 0, 1h)), hostile), clock_face, "lab"),
        header + "This session was terminated: maximum duration of 1h reached.\nMessage: " + tamed);
}

/// Names, hosts, requesters and policy messages of great length with control characters.
SESSLIMIT_TEST(terminal_text_bounded_and_escaped) {
    std::string wild;
    while (wild.size() < 10'000) {
        wild += hostile;
    }
    std::string message;
    while (message.size() + 14 <= policy::max_end_message_length) {
        message += "{reason}{user}";
    }
    for (const Kind kind : {Kind::warned, Kind::kept, Kind::ending}) {
        for (const Cause cause : {Cause::requested, Cause::displaced, Cause::idle, Cause::duration}) {
            Notice notice = saying(message, notice_of(kind, because(cause, 0, 12h, wild), 5min));
            notice.session.login.user = wild;
            notice.session.login.rhost = wild;
            notice.session.logind_id = wild;
            const std::string text = terminal_text(notice, clock_face, wild);
            EXPECT(text.size() <= messages::max_terminal_text_length, std::to_string(text.size()));
            EXPECT(text.find_first_of("\x1B\r\a\xFF") == std::string::npos, text);
        }
    }
}

SESSLIMIT_TEST(announcement_lists_effective_limits) {
    using policy::Activity;
    struct Case {
        Duration duration, idle;
        Activity counted;
        std::string_view text;
    };
    constexpr Duration none = unlimited_duration;
    constexpr Case cases[] = {
        {none, none, Activity{}, ""},
        {4h, 15min, Activity{}, "This session ends at 18:02 (in 4h), or after 15min without input."},
        {12h, 15min, Activity{.output = true},
         "This session ends at 2026-11-23 02:02 (in 12h), or after 15min without input or output."},
        {4h, none, Activity{}, "This session ends at 18:02 (in 4h)."},
        {4h, 4h, Activity{}, "This session ends at 18:02 (in 4h)."},
        {none, 90s, Activity{.processor = true}, "This session ends after 1min 30s without activity."},
        {none, 15min, Activity{.output = true, .processor = true}, "This session ends after 15min without activity."},
    };
    for (const Case& one : cases) {
        Session session = session_in(Phase::admitted);
        session.opened = start;
        session.max_duration = one.duration;
        session.idle_timeout = one.idle;
        EXPECT_TEXT(messages::announcement(session, one.counted, clock_face), one.text);
    }
}

} // namespace
