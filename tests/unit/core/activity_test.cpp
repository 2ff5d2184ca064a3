// SPDX-License-Identifier: MIT
// Evaluation of an activity sample against the previous one.
#include "daemon/core/activity.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <string>
#include <string_view>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using core::ActivitySample;
using core::LastSample;
using core::Session;
using core::SessionTraffic;
using core::SocketSample;
using policy::Activity;

constexpr Duration offset = 1'700'000'000s;

/// Returns the wall clock at this time as a terminal timestamp: whole seconds at the start of an 8 s step.
Duration stamp(Duration since_start) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(start.time_since_epoch() + since_start + offset);
    return Duration(seconds / 8s * 8s);
}

/// Returns a session opened at `start`, probed 100 s later, with the last activity at 50 s.
Session looked_at() {
    Session session = session_in(core::Phase::active);
    session.opened = start;
    session.last_input = start + 50s;
    session.last_sample.at = start + 100s;
    session.last_sample.input = stamp(40s);
    session.last_sample.output = stamp(40s);
    session.last_sample.wall_offset = offset;
    session.last_sample.processor_time = 5s;
    session.last_sample.processor_at = start + 100s;
    return session;
}

/// Returns a sample with the same values as in looked_at().
ActivitySample same(bool terminal) {
    const Session session = looked_at();
    ActivitySample sample;
    sample.wall_offset = offset;
    if (terminal) {
        sample.input = session.last_sample.input;
        sample.output = session.last_sample.output;
    }
    sample.processor_time = session.last_sample.processor_time;
    sample.connection = SocketSample{.cookie = 7};
    return sample;
}

/// Returns the time of the last activity in seconds since `start`, evaluated at 200 s.
std::string use(const Session& session, const ActivitySample& sample, Activity counted) {
    const auto at = core::last_use(session, sample, counted, start + 200s).at - start;
    return std::to_string(std::chrono::floor<std::chrono::seconds>(at).count());
}

SESSLIMIT_TEST(terminal_activity_follows_idle_activity) {
    struct Case {
        std::string_view about;
        void (*change)(ActivitySample&);
        std::string_view input, output, processor, both;
    };
    const Case cases[] = {
        {"nothing", [](ActivitySample&) {}, "50", "50", "50", "50"},
        {"a key", [](ActivitySample& s) { s.input = stamp(150s); }, "152", "152", "152", "152"},
        {"a line", [](ActivitySample& s) { s.output = stamp(150s); }, "50", "152", "50", "152"},
        {"computing", [](ActivitySample& s) { s.processor_time = 7s; }, "50", "50", "200", "200"},
        {"too little computing", [](ActivitySample& s) { s.processor_time = 6s; }, "50", "50", "50", "50"},
        {"a line without a client", [](ActivitySample& s) { s.output = stamp(150s), s.connection->is_dead = true; },
         "50", "50", "50", "50"},
        {"processor time unknown", [](ActivitySample& s) { s.processor_time.reset(); }, "50", "50", "50", "50"},
        {"wall clock set back", [](ActivitySample& s) { s.input = stamp(-500s); }, "200", "200", "200", "200"},
    };
    for (const Case& one : cases) {
        ActivitySample sample = same(true);
        one.change(sample);
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + use(looked_at(), sample, Activity{}), about + std::string(one.input));
        EXPECT_TEXT(about + use(looked_at(), sample, Activity{.output = true}), about + std::string(one.output));
        EXPECT_TEXT(about + use(looked_at(), sample, Activity{.processor = true}), about + std::string(one.processor));
        EXPECT_TEXT(about + use(looked_at(), sample, Activity{.output = true, .processor = true}),
                    about + std::string(one.both));
    }
}

/// A timestamp covers all keys of its 8 s step, so keys pressed in the step after a probe are not visible.
SESSLIMIT_TEST(timestamp_step_in_progress_hides_keys) {
    Session session = looked_at();
    session.last_sample.input = stamp(96s);
    ActivitySample sample = same(true);
    sample.input = session.last_sample.input;
    EXPECT_TEXT(use(session, sample, Activity{}), "104");
    session.last_sample.at = start + 106s;
    EXPECT_TEXT(use(session, sample, Activity{}), "50");
    sample.wall_offset = offset - 80s; // the clock passes through that step again
    EXPECT_TEXT(use(session, sample, Activity{}), "184");
}

SESSLIMIT_TEST(output_of_own_notice_not_counted) {
    Session session = looked_at();
    session.last_notice_at = start + 150s;
    ActivitySample sample = same(true);
    sample.output = stamp(150s);
    EXPECT_TEXT(use(session, sample, Activity{.output = true}), "50");
    sample.output = stamp(170s);
    EXPECT_TEXT(use(session, sample, Activity{.output = true}), "176");
}

SESSLIMIT_TEST(computing_counts_without_terminal) {
    ActivitySample sample = same(false);
    EXPECT_TEXT(use(looked_at(), sample, Activity{}), "50");
    sample.processor_time = 6s;
    EXPECT_TEXT(use(looked_at(), sample, Activity{}), "50");
    sample.processor_time = 7s;
    EXPECT_TEXT(use(looked_at(), sample, Activity{}), "200");
    sample = same(false);
    sample.connection.reset(); // it could be in use
    EXPECT_TEXT(use(looked_at(), sample, Activity{}), "200");
}

/// Returns the counters of a socket that has exchanged a key and its echo `keys` times, last at `last`.
SocketSample socket_with(std::uint64_t cookie, std::uint64_t keys, Duration last) {
    return {.cookie = cookie,
            .bytes_in = keys * 36,
            .bytes_out = keys * 36,
            .segments_in = keys,
            .segments_out = keys,
            .last_in = start + last,
            .last_out = start + last};
}

/// The sockets have sent data at 110 s, and the ssh connection has carried more data at 130 s.
SESSLIMIT_TEST(connections_count_by_kind_of_session) {
    struct Case {
        std::string_view about;
        bool terminal;
        Activity counted;
        bool channel;
        bool sockets;
        std::string_view used; ///< time and source
    };
    constexpr Activity network{.network = true};
    const Case cases[] = {
        {"a shell with a forwarded socket", true, network, false, true, "130 input"},
        {"a shell with a forwarded socket, input alone", true, Activity{}, false, true, "none"},
        {"a key that no program reads", true, Activity{}, false, false, "130 input"},
        {"a transfer beside a shell", true, network, true, false, "130 channel"},
        {"a transfer beside a shell, input alone", true, Activity{}, true, false, "none"},
        {"a command", false, Activity{}, true, true, "130 channel"},
        {"ssh -N", false, Activity{}, false, true, "110 network"},
        {"ssh -N without sockets", false, Activity{}, false, false, "none"},
    };
    for (const Case& one : cases) {
        ActivitySample sample = same(one.terminal);
        sample.has_channel = one.channel;
        SessionTraffic traffic;
        for (const std::uint64_t keys : {0U, 2U}) {
            sample.connection = socket_with(7, keys == 0 ? 0 : keys + (one.sockets ? 3 : 0), 130s);
            sample.sockets = one.sockets ? std::vector{socket_with(8, keys, 110s)} : std::vector<SocketSample>{};
            traffic = with_sample(std::move(traffic), sample, start + (keys == 0 ? 100s : 140s));
        }
        Session session = looked_at();
        session.last_input = {};
        session.terminal = one.terminal ? core::Terminal::some : core::Terminal::none;
        traffic.use = core::last_use_by_traffic(traffic, one.terminal, one.counted);
        session.traffic = std::make_shared<const SessionTraffic>(traffic);
        const Duration last = traffic.use.last - start;
        const std::string source(name_of(last_source_of(session)));
        const std::string used = source.empty() ? "none" : std::to_string(last / 1s) + " " + source;
        EXPECT_TEXT(std::string(one.about) + ": " + used, std::string(one.about) + ": " + std::string(one.used));
    }
}

SESSLIMIT_TEST(last_use_names_source) {
    struct Case {
        std::string_view source;
        bool terminal;
        void (*change)(ActivitySample&);
    };
    const Case cases[] = {
        {"input", true, [](ActivitySample& s) { s.input = stamp(150s); }},
        {"output", true, [](ActivitySample& s) { s.input = stamp(150s), s.output = stamp(170s); }},
        {"cpu", true, [](ActivitySample& s) { s.output = stamp(150s), s.processor_time = 8s; }},
        {"cpu", false, [](ActivitySample& s) { s.processor_time = 8s; }},
        {"hint", false, [](ActivitySample& s) { s.hint = 10s; }},
        {"", true, [](ActivitySample&) {}},
        {"", false, [](ActivitySample& s) { s.connection.reset(); }},
    };
    for (const Case& one : cases) {
        ActivitySample sample = same(one.terminal);
        one.change(sample);
        const core::Use use =
            core::last_use(looked_at(), sample, Activity{.output = true, .processor = true}, start + 200s);
        EXPECT_TEXT(name_of(use.source), one.source);
    }
}

/// An editor exchanges a message over a forwarded socket every 5 s. The ssh connection carries each of them, and
/// sometimes more.
SESSLIMIT_TEST(forwarded_data_not_counted_twice) {
    struct Case {
        std::string_view about;
        std::uint64_t more; ///< messages of a command on the connection, from 200 s on
        std::string_view used;
    };
    const Case cases[] = {{"the editor alone", 0, "100"}, {"a command prints", 1, "250"}};
    for (const Case& one : cases) {
        SessionTraffic traffic;
        ActivitySample sample = same(false);
        sample.has_channel = true;
        for (std::uint64_t turn = 0; turn < 32; ++turn) {
            const Duration at = 100s + turn * 5s;
            // Every third sample is between a message of the connection and that of the socket.
            const std::uint64_t late = turn % 3 == 0 ? 1 : 0;
            const std::uint64_t more = at >= 200s && at <= 250s ? one.more : 0;
            sample.connection = socket_with(7, turn + 1 + more * (turn - 19), at);
            sample.sockets = std::vector{socket_with(8, turn + 1 - std::min(turn, late), at)};
            traffic = with_sample(std::move(traffic), sample, start + at + 100ms);
        }
        const BootTime last = core::last_use_by_traffic(traffic, false, {}).last;
        EXPECT_TEXT(std::string(one.about) + ": " + std::to_string((last - start) / 1s),
                    std::string(one.about) + ": " + std::string(one.used));
    }
}

/// A connection of ssh -N carries data between two samples. The sockets to which it is forwarded may be closed again
/// before the second sample.
SESSLIMIT_TEST(short_connections_through_ssh_n_count) {
    struct Case {
        std::string_view about;
        std::uint64_t messages; ///< from the client
        std::uint64_t bytes;
        std::uint64_t keys; ///< sent by the editor's socket
        std::string_view used;
    };
    const Case cases[] = {
        {"a web page", 4, 600, 0, "130"},
        {"a web page, and an editor", 5, 900, 1, "130"},
        {"keepalives", 3, 3 * 52, 0, "none"},
        {"keepalives, and an editor", 3, 60 + 2 * 52, 1, "110"},
        {"a message that is not forwarded yet", 1, 60, 0, "none"},
    };
    for (const Case& one : cases) {
        ActivitySample sample = same(false);
        SessionTraffic traffic;
        for (const std::uint64_t turn : {0U, 1U}) {
            sample.connection = socket_with(7, turn * one.messages, 130s);
            sample.connection->bytes_in = turn * one.bytes;
            sample.sockets = std::vector{socket_with(8, turn * one.keys, 110s)};
            traffic = with_sample(std::move(traffic), sample, start + 100s + turn * 45s);
        }
        const BootTime last = core::last_use_by_traffic(traffic, false, {}).last;
        const std::string used = last == BootTime{} ? "none" : std::to_string((last - start) / 1s);
        EXPECT_TEXT(std::string(one.about) + ": " + used, std::string(one.about) + ": " + std::string(one.used));
    }
}

/// An editor that is left alone sends 19 bytes each 5 s through a shell with ssh -L, and receives as many. The ssh
/// connection also carries its own keepalives, or the keys of a user. Its cipher is chacha20-poly1305.
SESSLIMIT_TEST(keepalives_beside_forwarded_data_not_counted) {
    struct Case {
        std::string_view about;
        std::uint64_t size_in;
        std::uint64_t size_out;
        std::uint64_t coalesced; ///< packets that are in a segment with another one, in each sample
        bool is_pausing;         ///< the sockets have no data in every fifth sample
        std::string_view used;
    };
    const Case cases[] = {{"keepalives of the client", 52, 28, 0, false, "100"},
                          {"with the data in a segment", 52, 28, 1, false, "100"},
                          {"samples without data", 52, 28, 0, true, "100"},
                          {"keepalives of the server", 36, 60, 0, false, "100"},
                          {"keys that no program reads", 36, 36, 0, false, "410"},
                          {"a key in samples without data", 36, 36, 0, true, "410"}};
    for (const Case& one : cases) {
        ActivitySample sample = same(true);
        SessionTraffic traffic;
        for (std::uint64_t turn = 0; turn < 32; ++turn) {
            const Duration at = 100s + turn * 10s;
            const std::uint64_t beats = 2 * (turn - (one.is_pausing ? turn / 5 : 0));
            sample.sockets = std::vector{socket_with(8, beats, at)};
            sample.sockets->front().bytes_in = sample.sockets->front().bytes_out = beats * 19;
            sample.connection = socket_with(7, 3 + beats + (3 - one.coalesced) * turn, at);
            sample.connection->bytes_in = 300 + beats * 60 + turn * 3 * one.size_in;
            sample.connection->bytes_out = 300 + beats * 60 + turn * 3 * one.size_out;
            traffic = with_sample(std::move(traffic), sample, start + at + 100ms);
        }
        const BootTime last = core::use_of_connection(traffic).last;
        EXPECT_TEXT(std::string(one.about) + ": " + std::to_string((last - start) / 1s),
                    std::string(one.about) + ": " + std::string(one.used));
    }
}

/// A command on a channel receives a message and answers it every 10 s, beside a socket without data. The sizes are
/// those of one packet in each direction, and also of several keepalives and their answers.
SESSLIMIT_TEST(messages_with_size_of_several_keepalives_counted) {
    struct Case {
        std::string_view about;
        std::uint64_t size_in;
        std::uint64_t size_out;
    };
    const Case cases[] = {{"two, AES-CTR", 64, 128}, {"three, chacha20", 84, 156}, {"of the server", 156, 84}};
    for (const Case& one : cases) {
        ActivitySample sample = same(false);
        sample.has_channel = true;
        sample.sockets = std::vector{socket_with(8, 1, 100s)};
        SessionTraffic traffic;
        for (std::uint64_t turn = 0; turn < 60; ++turn) {
            const Duration at = 100s + turn * 10s + turn * 7919 % 6000 * 1ms;
            sample.connection = socket_with(7, 3 + turn, at);
            sample.connection->bytes_in = 300 + turn * one.size_in;
            sample.connection->bytes_out = 300 + turn * one.size_out;
            traffic = with_sample(std::move(traffic), sample, start + 109s + turn * 10s);
        }
        EXPECT(core::use_of_connection(traffic).last > start + 690s, one.about);
    }
}

SESSLIMIT_TEST(first_probe_sets_baseline) {
    Session session = looked_at();
    session.last_sample = {};
    EXPECT_TEXT(use(session, same(false), Activity{}), "50");
    EXPECT_TEXT(use(session, same(true), Activity{.output = true, .processor = true}), "50");
}

SESSLIMIT_TEST(idle_hint_gives_time_of_last_use) {
    ActivitySample sample = same(true);
    sample.hint = 30s;
    EXPECT_TEXT(use(looked_at(), sample, Activity{}), "170");
    sample.hint = Duration{};
    EXPECT_TEXT(use(looked_at(), sample, Activity{}), "200");
    sample.hint = 1h; // never earlier than the known activity
    EXPECT_TEXT(use(looked_at(), sample, Activity{}), "50");
}

SESSLIMIT_TEST(remembered_counters_restart_after_one_second) {
    const Session session = looked_at();
    ActivitySample sample = same(true);
    sample.input = stamp(199s);
    sample.processor_time = 6s;
    const LastSample soon = core::to_last_sample(session, sample, session.last_sample.at + 999ms);
    EXPECT(soon.at == session.last_sample.at && soon.processor_time == 5s, "counters keep the earlier baseline");
    EXPECT(soon.input == stamp(199s), "timestamps are updated");
    const LastSample later = core::to_last_sample(session, sample, start + 200s);
    EXPECT(later.at == start + 200s && later.processor_time == 6s, "everything is updated");
    EXPECT(later.output == session.last_sample.output, "output");
}

} // namespace
