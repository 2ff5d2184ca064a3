// SPDX-License-Identifier: MIT
// Idle limits of sessions whose ssh connection or sockets carry data.
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using core::SocketSample;
using policy::AtLimit;

/// A session of "ssh -W" without a terminal, whose socket carries messages of 36 bytes and their answers.
struct Tunnel {
    World world;
    SessionKey key = test::key(1);
    std::uint64_t messages = 0;

    explicit Tunnel(const Rules& rules, bool has_channel = false) : world(rules) {
        core::ActivitySample& sample = world.other_samples[key];
        sample.has_channel = has_channel;
        sample.connection = SocketSample{.cookie = 7};
        sample.sockets.emplace();
        sample.processor_time = 0s;
        (void)world.login();
    }
    [[nodiscard]] SocketSample counters(std::uint64_t cookie) const {
        return {.cookie = cookie,
                .bytes_in = 36 * messages,
                .bytes_out = 36 * messages,
                .segments_in = messages,
                .segments_out = messages,
                .last_in = world.now,
                .last_out = world.now};
    }
    void send() {
        ++messages;
        world.other_samples[key].sockets = {counters(8)};
    }
    /// Sends messages until the session is terminated, or until `until`. The interval is `interval` on average, and
    /// varies by `variation`, in tenths.
    void send_until(Duration until, Duration interval, int variation) {
        for (std::uint64_t turn = 0; world.now < start + until && world.phase(key) == "active"; ++turn) {
            const auto differs = static_cast<std::int64_t>(turn * 7 % 5) - 2; // -2 to 2
            world.pass(interval + interval * differs * variation / 20);
            send();
        }
    }
};

/// Adds data in both directions that is too large for keepalives.
void exchange(SocketSample& socket, BootTime now) {
    socket.bytes_in += 5000;
    socket.bytes_out += 5000;
    socket.segments_in += 5;
    socket.segments_out += 5;
    socket.last_in = socket.last_out = now;
}

/// Adds a second of a transfer to the client, which only sends window adjustments.
void transfer(SocketSample& socket, BootTime now) {
    socket.bytes_out += 200'000;
    socket.segments_out += 150;
    socket.bytes_in += 4 * 36;
    socket.segments_in += 4;
    socket.last_in = socket.last_out = now;
}

/// Waits until the session is terminated. Returns the time, or five hours.
Duration end_of(World& world, SessionKey key) {
    while (world.phase(key) == "active" && world.now < start + 5h) {
        world.pass(1s);
    }
    return world.now - start;
}

/// A shell over ssh, in which a key was pressed after five seconds.
SessionKey idle_shell(World& world) {
    core::ActivitySample& sample = world.other_samples[test::key(1)];
    sample.connection = SocketSample{.cookie = 7};
    sample.sockets.emplace();
    const SessionKey key = world.login();
    world.pass(5s);
    world.type(key);
    exchange(*sample.connection, world.now);
    return key;
}

SESSLIMIT_TEST(typing_through_tunnel_keeps_session) {
    Tunnel tunnel({.idle = 1min, .warn = std::vector<Duration>{10s}});
    tunnel.send_until(1h, 5s, 2);
    EXPECT_TEXT(tunnel.world.phase(tunnel.key), "active");
    EXPECT_TEXT(tunnel.world.take_log(), "0 admitted 501, tell admitted 1");
    const Duration last = tunnel.world.now - start;
    tunnel.world.pass(58s);
    EXPECT_TEXT(tunnel.world.phase(tunnel.key), "active");
    tunnel.world.pass(5s);
    EXPECT(tunnel.world.phase(tunnel.key) == "ending", std::to_string(last / 1s));
    EXPECT_TEXT(tunnel.world.fault, "");
}

/// The user types for ten minutes, and then only the keepalives of the client go on. The warning and the termination
/// follow the last key.
SESSLIMIT_TEST(keepalives_do_not_keep_session) {
    Tunnel tunnel({.idle = 2min, .warn = std::vector<Duration>{20s}});
    tunnel.send_until(10min, 3s, 2);
    const Duration last_key = tunnel.world.now - start;
    (void)tunnel.world.take_log();
    tunnel.send_until(1h, 5s, 0);
    const core::Session* session = tunnel.world.find(tunnel.key);
    EXPECT(session != nullptr && session->phase == core::Phase::ending, "terminated");
    const auto& notices = tunnel.world.notices;
    EXPECT(notices.size() >= 2 && notices.back().kind == core::Notice::Kind::ending, "notices");
    const Duration late = tunnel.world.now - start - last_key - 2min;
    EXPECT(late >= 0s && late <= 12s, std::to_string(late / 1s)); // a tenth of the limit
    EXPECT_TEXT(tunnel.world.fault, "");
}

/// Returns the times of the samples of a session in which nothing happens, in seconds. Marks those that also inspected
/// the terminals and the processes.
std::string sample_times(World& world, SessionKey key, Duration until) {
    std::string times;
    for (BootTime last{}; world.now < start + until; world.pass(1s)) {
        const core::Session* session = world.find(key);
        const BootTime at = std::max(session->last_sample.at, traffic_of(*session).sampled);
        if (at != last) {
            times += std::to_string((at - start) / 1s) + (session->last_sample.at == at ? "* " : " ");
            last = at;
        }
    }
    return times;
}

SESSLIMIT_TEST(connections_sampled_as_limits_require) {
    struct Case {
        const char* about;
        Rules rules;
        std::string_view times;
    };
    const std::vector<Duration> warnings{30s};
    const Case cases[] = {
        {"twenty times within the idle limit, and every 5 s after the warning",
         {.idle = 200s, .warn = warnings},
         "0* 10* 20 30 40 50 60 70 80 90 100 110 120 130 140 150 160 170* 175* 180* 185* 190* 195* "},
        {"at most once a second", {.idle = 6s, .warn = std::vector<Duration>{}}, "0* 1* 2* 3 4 5 "},
        {"every 30 s for end-idlest", {.max = 2, .at_limit = AtLimit::end_idlest}, "0* 20* 50 80 110 140 170 "},
        {"not without a limit on the number of sessions", {.at_limit = AtLimit::end_idlest}, "0* "},
        {"not without limits that need it", {.max = 2, .duration = 10h}, ""},
    };
    for (const Case& one : cases) {
        Tunnel tunnel(one.rules);
        tunnel.send();
        const Duration until = one.rules.idle == 6s ? 6s : 199s;
        EXPECT_TEXT(std::string(one.about) + ": " + sample_times(tunnel.world, tunnel.key, until),
                    std::string(one.about) + ": " + std::string(one.times));
    }
}

/// An editor that is left alone sends a message each 5 s. Sometimes a sample is taken after sshd has received a
/// message, and before it has forwarded it to the socket.
SESSLIMIT_TEST(data_in_flight_is_not_use) {
    Tunnel tunnel({.idle = 40s, .warn = std::vector<Duration>{}}, true);
    World& world = tunnel.world;
    core::ActivitySample& sample = world.other_samples[tunnel.key];
    world.pass(5s - 1ms);
    for (int turn = 0; world.now < start + 10min && world.phase(tunnel.key) == "active"; ++turn) {
        const auto before = sample.sockets;
        tunnel.send();
        sample.connection = tunnel.counters(7);
        const auto forwarded = sample.sockets;
        if (turn * 7 % 5 < 2) {
            sample.sockets = before;
        }
        world.pass(100ms);
        sample.sockets = forwarded;
        world.pass(4900ms);
    }
    const Duration ended = world.now - start;
    EXPECT(ended >= 40s && ended <= 60s, std::to_string(ended / 1s));
    EXPECT_TEXT(world.fault, "");
}

/// The processes of the session use 0.6 s of CPU time every 2 minutes, which is 0.5 % of a processor. Between two
/// samples of the connection it would be 2 %.
SESSLIMIT_TEST(processor_time_not_compared_between_samples) {
    for (const Duration used : {600ms, 1400ms}) {
        Tunnel tunnel({.idle = 10min, .warn = std::vector<Duration>{}});
        core::ActivitySample& sample = tunnel.world.other_samples[tunnel.key];
        sample.processor_time = 0s;
        tunnel.world.pass(31s); // the first sample with CPU time
        for (int turn = 0; turn < 8; ++turn) {
            *sample.processor_time += used;
            tunnel.world.pass(2min);
        }
        EXPECT_TEXT(tunnel.world.phase(tunnel.key), used == 600ms ? "ending" : "active");
    }
}

/// The pages of Cockpit have no terminal and no idle hint, and its page "Terminal" shows only a part of the use.
SESSLIMIT_TEST(cockpit_session_is_never_idle) {
    World world({.idle = 1min});
    Login login = ssh();
    login.service = "cockpit";
    login.connection.clear();
    const SessionKey key = world.login(login);
    world.other_samples[key].connection = SocketSample{.cookie = 7};
    world.type(key);
    world.pass(1h);
    EXPECT_TEXT(world.phase(key), "active");
    EXPECT_TEXT(world.fault, "");
}

/// A command beside an idle shell sends data to the client for 48 minutes, between two activity probes.
SESSLIMIT_TEST(transfer_beside_idle_shell_is_use) {
    World world({.idle = 1h, .warn = std::vector<Duration>{}});
    const SessionKey key = idle_shell(world);
    core::ActivitySample& sample = world.other_samples[key];
    world.pass_until(10min);
    sample.has_channel = true;
    while (world.now < start + 58min) {
        world.pass(1s);
        transfer(*sample.connection, world.now);
    }
    sample.has_channel = false;
    const Duration gone = end_of(world, key);
    EXPECT(gone >= 58min + 1h && gone < 58min + 67min, std::to_string(gone / 1s));
    EXPECT_TEXT(world.fault, "");
}

/// A command without a terminal prints a line every few seconds. Its process starts after the first activity probe.
SESSLIMIT_TEST(lines_of_command_are_use) {
    World world({.idle = 30s, .warn = std::vector<Duration>{}});
    core::ActivitySample& sample = world.other_samples[test::key(1)];
    sample.connection = SocketSample{.cookie = 7};
    sample.sockets.emplace();
    const SessionKey key = world.login();
    exchange(*sample.connection, world.now);
    for (std::uint64_t turn = 0; world.now < start + 5min; ++turn) {
        world.pass(6s + 1s * (turn * 7 % 12));
        sample.has_channel = true;
        SocketSample& connection = *sample.connection;
        connection.bytes_out += 36 + 8 * (turn * 5 % 9);
        ++connection.segments_out;
        connection.last_out = world.now;
        EXPECT_TEXT(world.phase(key), "active");
    }
    const Duration last = world.now - start;
    const Duration gone = end_of(world, key);
    EXPECT(gone >= last + 30s && gone <= last + 40s, std::to_string((gone - last) / 1s));
}

/// A login at the limit arrives half a second after a sample that did not inspect the channels.
SESSLIMIT_TEST(session_that_sends_data_not_displaced) {
    World world({.max = 1, .at_limit = AtLimit::end_idlest, .displace_idle = 1min});
    const SessionKey key = idle_shell(world);
    core::ActivitySample& sample = world.other_samples[key];
    sample.has_channel = true;
    const auto send = [&] {
        world.pass(500ms);
        transfer(*sample.connection, world.now);
    };
    while (world.now < start + 10min || traffic_of(*world.find(key)).sampled != world.now) {
        send();
    }
    send();
    world.ask(ssh());
    world.pass(6s);
    EXPECT_TEXT(world.phase(key), "active");
    EXPECT_TEXT(world.fault, "");
}

/// Data is sent half a second before the expiry of the limit. A sample is due shortly before.
SESSLIMIT_TEST(data_just_before_expiry_is_use) {
    Tunnel tunnel({.idle = 20s, .warn = std::vector<Duration>{}}, true);
    World& world = tunnel.world;
    SocketSample& connection = *world.other_samples[tunnel.key].connection;
    for (const Duration at : {10s + 900ms, 30s + 400ms}) {
        world.pass_until(at);
        EXPECT_TEXT(world.phase(tunnel.key), "active");
        exchange(connection, world.now);
    }
    world.pass(10s);
    EXPECT_TEXT(world.phase(tunnel.key), "active");
}

SESSLIMIT_TEST(terminal_of_new_session_found_by_next_sample) {
    for (const Rules& rules : {Rules{.max = 2, .at_limit = AtLimit::end_idlest}, Rules{.idle = 10min}}) {
        Tunnel tunnel(rules);
        tunnel.send();
        tunnel.world.pass(5min);
        EXPECT(tunnel.world.find(tunnel.key)->terminal == core::Terminal::none, "known");
    }
}

SESSLIMIT_TEST(sampled_as_new_policy_requires) {
    Tunnel tunnel({.max = 2, .idle = 24h});
    tunnel.send();
    tunnel.world.pass(3h);
    tunnel.world.set({.max = 2, .idle = 24h, .at_limit = AtLimit::end_idlest});
    const BootTime changed = tunnel.world.now;
    tunnel.world.pass(1min);
    EXPECT(traffic_of(*tunnel.world.find(tunnel.key)).sampled > changed, "sampled");
}

SESSLIMIT_TEST(longest_idle_time_found_by_samples) {
    Tunnel tunnel({.idle = 10min, .warn = std::vector<Duration>{}}, true);
    World& world = tunnel.world;
    const auto use_until = [&](Duration until) {
        while (world.now < start + until) {
            world.pass(1s);
            exchange(*world.other_samples[tunnel.key].connection, world.now);
        }
    };
    use_until(20min + 40s);
    world.pass_until(29min + 20s);
    use_until(1h);
    const auto longest = world.find(tunnel.key)->longest_idle;
    EXPECT(longest >= 8min, std::to_string(longest.count()));
}

/// After a restart of the daemon, data is sent over sockets of which each exists for a minute.
SESSLIMIT_TEST(connections_sampled_after_restart) {
    const Rules rules{.idle = 1h, .warn = std::vector<Duration>{}};
    World world(rules);
    const SessionKey key = idle_shell(world);
    world.pass_until(10min);
    world.feed(core::ClockChanged{}); // a probe
    core::Session stored = *world.find(key);
    stored.traffic = nullptr;
    World next(rules);
    next.now = world.now;
    next.stamps = world.stamps;
    next.other_samples = world.other_samples;
    next.feed(core::SessionRestored{.session = stored, .leader_gone = false});
    for (std::uint64_t second = 0; next.now < start + 55min; ++second) {
        next.pass(1s);
        SocketSample socket{.cookie = 8 + second / 60};
        exchange(socket, next.now);
        next.other_samples[key].sockets = {socket};
    }
    next.other_samples[key].sockets->clear();
    const Duration gone = end_of(next, key);
    EXPECT(gone >= 55min + 57min, std::to_string(gone / 1s));
}

/// With idle_activity = ["input"], a user types in a second shell of the connection and closes it. Then a program opens
/// a socket, so that keys that no program reads no longer count.
SESSLIMIT_TEST(earlier_keys_count_after_socket_was_opened) {
    World world({.idle = 10min, .warn = std::vector<Duration>{}, .activity = policy::Activity{.network = false}});
    const SessionKey key = idle_shell(world);
    core::ActivitySample& sample = world.other_samples[key];
    world.pass(25s);
    world.feed(core::ClockChanged{}); // a probe finds the terminal
    const Duration first = world.stamps[key];
    for (int turn = 0; world.now < start + 8min; ++turn) {
        world.pass(1500ms + 1000ms * (turn * 7 % 5));
        world.type(key);
        exchange(*sample.connection, world.now);
    }
    const Duration last = world.now - start;
    world.pass(1min);
    world.stamps[key] = first;
    sample.sockets->push_back({.cookie = 8});
    exchange(sample.sockets->front(), world.now);
    const Duration gone = end_of(world, key);
    EXPECT(gone >= last + 10min, std::to_string((gone - last) / 1s));
}

} // namespace
