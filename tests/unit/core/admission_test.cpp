// SPDX-License-Identifier: MIT
#include "daemon/policy/match.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <algorithm>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using core::Answer;
using core::CloseRequested;
using core::LogindSession;
using core::LogindSessionNew;
using core::OpenRequested;
using policy::AtLimit;
using policy::Mode;

std::size_t answered(const World& world, Answer::Kind kind) {
    return static_cast<std::size_t>(std::ranges::count(world.answers, kind, &Answer::kind));
}

OpenRequested again(pid_t pid, std::uint64_t request, const Login& login = ssh()) {
    return {.request = RequestId{request},
            .login = login,
            .leader = {pid, static_cast<std::uint64_t>(pid) * 10},
            .budget = 10s};
}

/// A session is announced only on request and only if its limits are enforced. A repeated request gets the same answer.
SESSLIMIT_TEST(admitted_session_announced_on_request) {
    struct Case {
        policy::Announce announce;
        Mode mode;
        policy::Activity counted;
        bool announced;
    };
    using policy::Activity;
    using policy::Announce;
    constexpr Case cases[] = {
        {Announce::no, Mode::enforce, Activity{}, false},
        {Announce::yes, Mode::enforce, Activity{}, true},
        {Announce::yes, Mode::enforce, Activity{.output = true}, true},
        {Announce::yes, Mode::observe, Activity{}, false},
    };
    for (const Case& one : cases) {
        World world({.max = 1, .mode = one.mode});
        world.policy.host.defaults.announce = policy::Setting<Announce>{one.announce};
        world.policy.host.defaults.idle_activity = policy::Setting<Activity>{one.counted};
        const pid_t pid = world.ask(ssh());
        world.feed(again(pid, 900));
        if (one.mode == Mode::enforce) {
            world.ask(ssh());
            EXPECT(world.answers.back().kind == Answer::Kind::denied && !world.answers.back().announce, "denied");
            world.answers.pop_back();
        }
        EXPECT(world.answers.size() == 2, "two answers");
        for (const Answer& answer : world.answers) {
            EXPECT(answer.kind == Answer::Kind::admitted, "admitted");
            EXPECT(answer.announce == (one.announced ? std::optional(one.counted) : std::nullopt), "announced");
        }
    }
}

/// The setting `quiet` applies to the texts of answers, and not to notices.
SESSLIMIT_TEST(quiet_suppresses_texts_of_answers) {
    using policy::Quiet;
    struct Case {
        std::optional<Quiet> set;
        bool quiet;
    };
    constexpr Case cases[] = {{std::nullopt, false}, {Quiet::no, false}, {Quiet::yes, true}};
    for (const Case& one : cases) {
        World world({.max = 1});
        policy::Settings& settings = world.policy.host.defaults;
        settings.announce = policy::Setting<policy::Announce>{policy::Announce::yes};
        if (one.set) {
            settings.quiet = policy::Setting<Quiet>{*one.set};
        }
        const pid_t admitted = world.ask(ssh());
        EXPECT(world.answers.back().announce.has_value() != one.quiet, "admitted");
        const pid_t denied = world.ask(ssh());
        EXPECT(world.answers.back().quiet == one.quiet, "denied");
        world.feed(again(denied, 900));
        EXPECT(world.answers.back().quiet == one.quiet, "denied again");
        world.logind_shows(key(1));
        world.feed(core::TerminationRequested{key(1), "root"});
        world.feed(again(admitted, 901));
        EXPECT(world.answers.back().quiet == one.quiet, "denied because its session is being terminated");
        EXPECT_TEXT(world.take_log(), "0 admitted 501, tell admitted 1; 0 denied 502, tell denied 2 limit; "
                                      "0 denied 900, tell denied 3 limit; 0 tell ending 1 asked; 0 denied 901");
    }
}

SESSLIMIT_TEST(twenty_simultaneous_logins_admitted_up_to_limit) {
    struct Case {
        std::optional<policy::Count> limit;
        std::size_t admitted;
    };
    constexpr Case cases[] = {{0, 0}, {1, 1}, {3, 3}, {20, 20}, {policy::unlimited_count, 20}, {std::nullopt, 20}};
    for (const Case& one : cases) {
        World world({.max = one.limit});
        for (int i = 0; i < 20; ++i) {
            world.ask(ssh());
        }
        EXPECT(answered(world, Answer::Kind::admitted) == one.admitted, std::to_string(one.admitted));
        EXPECT(answered(world, Answer::Kind::denied) == 20 - one.admitted, std::to_string(one.admitted));
        EXPECT(world.state.counted(alice) == one.admitted, std::to_string(one.admitted));
        for (const Answer& answer : world.answers) {
            if (answer.kind == Answer::Kind::denied) {
                EXPECT(answer.session.reason.cause == core::Cause::limit_reached &&
                           answer.session.reason.count == one.limit,
                       "the reason names the limit");
            }
        }
        EXPECT_TEXT(world.fault, "");
    }
}

SESSLIMIT_TEST(limit_counts_each_user_separately) {
    World world({.max = 1});
    EXPECT(world.login(ssh(alice)) != SessionKey::none, "alice");
    EXPECT(world.login(ssh(bob)) != SessionKey::none, "bob");
    EXPECT(world.login(ssh(alice)) == SessionKey::none, "alice again");
}

SESSLIMIT_TEST(logout_releases_slot_immediately) {
    World world({.max = 1});
    for (int i = 0; i < 50; ++i) {
        const SessionKey session = world.login();
        EXPECT(session != SessionKey::none, std::to_string(i));
        world.logout(session);
    }
    EXPECT(world.state.sessions().empty(), "nothing is left");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(close_releases_slot_before_leader_exits) {
    World world({.max = 1});
    const SessionKey first = world.login();
    world.feed(CloseRequested{.request = RequestId{9}, .session = first, .leader = {501, 5010}});
    EXPECT_TEXT(world.phase(first), "closed");
    EXPECT(world.login() != SessionKey::none, "the next one");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(close_without_key_closes_session_of_leader) {
    World world;
    const SessionKey session = world.login();
    world.feed(CloseRequested{.request = RequestId{9}, .session = SessionKey::none, .leader = {501, 5010}});
    EXPECT_TEXT(world.phase(session), "closed");
}

SESSLIMIT_TEST(repeated_request_gets_same_answer) {
    World world({.max = 1});
    const pid_t leader = world.ask(ssh());
    world.feed(again(leader, 2000));
    world.logind_shows(key(1));
    world.feed(again(leader, 2001));
    EXPECT_TEXT(world.take_log(), "0 admitted 501, tell admitted 1; 0 admitted 2000; 0 admitted 2001");
    EXPECT(world.state.sessions().size() == 1, "one session");

    world.feed(core::TerminationRequested{key(1), "root"});
    world.feed(again(leader, 2002));
    EXPECT_TEXT(world.take_log(), "0 tell ending 1 asked; 0 denied 2002");

    world.feed(again(leader, 2003, ssh(bob))); // same process, different user: a new request
    EXPECT_TEXT(world.take_log(), "0 admitted 2003, tell admitted 2");
}

SESSLIMIT_TEST(denied_leader_asking_again_decided_from_scratch) {
    World world({.max = 1});
    const SessionKey first = world.login();
    const pid_t leader = world.ask(ssh());
    world.logout(first);
    (void)world.take_log();
    world.feed(again(leader, 2000));
    EXPECT_TEXT(world.take_log(), "0 admitted 2000, tell admitted 3");
    EXPECT(world.state.sessions().size() == 1, "the denied session is dropped");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(non_session_login_admitted_without_counting) {
    World world({.max = 0});
    Login nested = ssh();
    nested.nested = true;
    world.ask(nested);
    for (const char* service :
         {"su", "su-l", "sudo", "sudo-i", "runuser", "runuser-l", "cron", "crond", "atd", "systemd-user", "polkit-1"}) {
        world.ask(console(alice, service));
    }
    EXPECT(answered(world, Answer::Kind::uncounted) == 12 && world.answers.size() == 12, "all are admitted");
    EXPECT(world.state.sessions().empty() && world.notices.empty(), "no session, no notice");

    world.policy.host.ignore_services = {.value = {"login"}};
    world.ask(console(alice, "login"));
    world.ask(console(alice, "systemd-user"));
    world.ask(console(alice, "sudo"));
    world.pass(3s);
    EXPECT(answered(world, Answer::Kind::uncounted) == 14, "login and systemd-user");
    EXPECT(answered(world, Answer::Kind::denied) == 1, "sudo");
}

SESSLIMIT_TEST(denied_sshd_terminated_other_services_not) {
    World world({.max = 0});
    world.ask(ssh());
    EXPECT_TEXT(world.phase(key(1)), "denied");
    world.pass_until(20s);
    EXPECT_TEXT(world.take_log(),
                "0 denied 501, tell denied 1 limit; 3 signal 1 TERM; 8 signal 1 KILL; 18 signal 1 KILL");
    world.leader_exits(key(1));
    EXPECT(world.state.sessions().empty(), "dropped when its leader exits");

    world.ask(console());
    world.pass(1min);
    EXPECT(world.state.sessions().empty(), "a login on a console is no longer tracked");
    EXPECT_TEXT(world.take_log(), "20 denied 502, tell denied 2 limit");
    EXPECT_TEXT(world.fault, "");
}

SESSLIMIT_TEST(observe_mode_admits_over_limit_and_notifies) {
    World world({.max = 1, .at_limit = AtLimit::end_oldest, .mode = Mode::observe});
    world.login();
    (void)world.take_log();
    world.login();
    world.pass(1min);
    EXPECT_TEXT(world.take_log(), "0 admitted 502, tell would-deny 2 limit, tell admitted 2");
    EXPECT(world.state.counted(alice) == 2, "both count");
    EXPECT_TEXT(world.fault, "");
}

LogindSession in_logind(pid_t pid, const std::string& id) {
    return {.id = id,
            .scope = "session-" + id + ".scope",
            .session_class = "user",
            .leader = again(pid, 1).leader,
            .opened = start,
            .login = ssh()};
}

/// pam_systemd precedes the module in the PAM stack: logind has shown the sessions before PAM asks about them.
SESSLIMIT_TEST(open_after_pam_systemd_decided_by_limit) {
    for (const bool backwards : {false, true}) {
        World world({.max = 2});
        for (pid_t pid = 701; pid <= 706; ++pid) {
            world.feed(LogindSessionNew{in_logind(pid, "c" + std::to_string(pid))});
        }
        EXPECT(world.state.counted(alice) == 6, "counted before PAM asks");
        for (pid_t at = 0; at < 6; ++at) {
            const pid_t pid = backwards ? 706 - at : 701 + at;
            world.feed(again(pid, static_cast<std::uint64_t>(pid)));
        }
        EXPECT(answered(world, Answer::Kind::admitted) == 2 && answered(world, Answer::Kind::denied) == 4, "the limit");
        EXPECT(world.state.counted(alice) == 2, "and no more");
        EXPECT_TEXT(world.phase(key(1)) + world.phase(key(2)) + world.phase(key(3)), "activeactivedenied");
        world.feed(again(701, 99));
        EXPECT(answered(world, Answer::Kind::admitted) == 3, "a repeated request finds the same session");
        (void)world.take_log();
        world.pass(3s);
        EXPECT_TEXT(world.take_log(), "3 terminate c703; 3 terminate c704; 3 terminate c705; 3 terminate c706");
        EXPECT_TEXT(world.fault, "");
    }
}

SESSLIMIT_TEST(open_after_pam_systemd_displaces_with_end_oldest) {
    World world({.max = 1, .at_limit = AtLimit::end_oldest});
    world.login();
    world.feed(LogindSessionNew{in_logind(701, "c701")});
    world.feed(again(701, 701));
    world.pass(100ms);
    EXPECT_TEXT(world.phase(key(1)) + "/" + world.phase(key(2)), "ending/waiting");
    world.logind_forgets(key(1));
    EXPECT_TEXT(world.phase(key(2)), "active");
    EXPECT(!world.find(key(2))->adopted && world.find(key(2))->logind_id == "c701", "the logind session stays joined");
    EXPECT_TEXT(world.fault, "");
}

/// The idle time of a session that logind announced long before begins when PAM asks about it.
SESSLIMIT_TEST(open_after_pam_systemd_is_a_use) {
    World world({.max = 1, .idle = 5min, .warn = std::vector<Duration>{1min}});
    world.stamps[key(1)] = std::chrono::floor<std::chrono::seconds>(world.now.time_since_epoch() + world.wall_offset);
    world.feed(LogindSessionNew{in_logind(701, "c701")});
    world.pass(250s); // the user was warned
    world.feed(again(701, 701));
    (void)world.take_log();
    world.pass_until(550s);
    EXPECT_TEXT(world.take_log(), "490 tell warned 1 idle left 60; 550 tell ending 1 idle");
    EXPECT_TEXT(world.fault, "");
}

/// The module gave up waiting, but the login may continue: logind has already announced its session.
SESSLIMIT_TEST(request_aborted_after_pam_systemd_session_stays_counted) {
    World world({.max = 1, .at_limit = AtLimit::end_oldest});
    world.login();
    world.feed(LogindSessionNew{in_logind(701, "c701")});
    world.feed(again(701, 701));
    EXPECT_TEXT(world.phase(key(2)), "waiting");
    world.feed(core::RequestAborted{RequestId{701}});
    EXPECT_TEXT(world.phase(key(2)), "active");
    EXPECT(world.find(key(2))->adopted && world.state.counted(alice) == 2, "adopted and counted");
    EXPECT_TEXT(world.fault, "");
}

/// A rule exempts logins on the console: an ssh login at the limit does not terminate them.
SESSLIMIT_TEST(exempt_session_not_displaced) {
    for (const AtLimit at_limit : {AtLimit::end_oldest, AtLimit::end_idlest}) {
        World world({.max = 1, .at_limit = at_limit});
        policy::Match match;
        match.service.any = {"login"};
        policy::Rule rule;
        rule.exempt = true;
        rule.match = std::make_shared<const policy::Match>(match);
        world.policy.host.rules.push_back(rule);
        world.login(console());
        world.ask(ssh());
        world.pass(6s);
        EXPECT_TEXT(world.phase(key(1)), "active");
        EXPECT(answered(world, Answer::Kind::denied) == 1, "denied instead");
        EXPECT_TEXT(world.fault, "");
    }
}

/// The PAM stack continues after a denial whose control is not requisite. The user needs time to read the reason.
SESSLIMIT_TEST(denied_session_of_continuing_stack_terminated_after_delay) {
    for (const bool is_local : {false, true}) {
        World world({.max = 0});
        const pid_t pid = world.ask(is_local ? console() : ssh());
        world.feed(LogindSessionNew{in_logind(pid, "c9")});
        (void)world.take_log();
        world.pass(14s);
        EXPECT_TEXT(world.take_log(), is_local ? "8 terminate c9; 13 kill c9" : "3 terminate c9; 8 kill c9");
        world.leader_exits(key(1));
        EXPECT_TEXT(world.phase(key(1)) + world.fault, "gone");
    }
}

/// The process of a denied login also opens a session of another user, which is counted or not.
SESSLIMIT_TEST(session_of_other_user_not_joined_to_denied_login) {
    for (const bool is_counted : {false, true}) {
        World world({.max = 1});
        world.login();
        const pid_t pid = world.ask(is_counted ? console(bob) : console());
        if (is_counted) {
            OpenRequested denied = again(pid, 9000, console());
            world.feed(denied);
        }
        LogindSession other = in_logind(pid, "c9");
        other.login = console(bob);
        world.feed(LogindSessionNew{other});
        world.pass(14s);
        EXPECT(answered(world, Answer::Kind::denied) == 1, "alice");
        EXPECT_TEXT(world.phase(key(is_counted ? 2 : 3)) + world.fault, "active");
        EXPECT(world.state.counted(bob) == 1, "once");
    }
}

/// The daemon restarts while the module waits after the denial.
SESSLIMIT_TEST(denied_local_login_tracked_after_restart) {
    World before({.max = 0});
    const pid_t pid = before.ask(console());
    World world({.max = 0});
    world.feed(core::SessionRestored{.session = *before.find(key(1)), .leader_gone = false});
    world.pass(5s);
    world.feed(LogindSessionNew{in_logind(pid, "c9")});
    world.pass(9s);
    EXPECT_TEXT(world.take_log() + world.fault, "8 terminate c9; 13 kill c9");
}

} // namespace
