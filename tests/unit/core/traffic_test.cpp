// SPDX-License-Identifier: MIT
// The last use of sockets, from recordings of real ssh connections and from made-up samples.
#include "daemon/core/traffic.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/traffic_recording.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::chrono_literals;
using core::SocketSample;
using core::TrafficHistory;
using core::TrafficSource;

constexpr BootTime start = Recording::start;

/// Time after which a use must be visible. The recorder looks every 100 ms, and programs run late on a busy machine.
constexpr Duration recorder_delay = 300ms;

/// Maximum time between the last use and the one that is determined, and the time after which that must be the case.
struct Bound {
    Duration late;
    Duration recognized;
};

/// Returns the bound for a recording. The default applies to keepalives every 5 s. Period 7 s becomes 14 s in sshd of
/// Debian 12. Recordings whose background is use, or that end with a use, have no bound.
Bound bound_of(const std::string& name) {
    static const std::map<std::string_view, Bound> others{
        {"rekey-keep-network", {1h, {}}},           {"screens-compressed-network", {1h, {}}},
        {"keep-server-gcm-network", {15s, 80s}},    {"keep-server-gcm-channel", {15s, 80s}},
        {"outer-server-outer-channel", {15s, 80s}},
    };
    const auto found = others.find(name);
    return found != others.end() ? found->second : Bound{15s, 60s};
}

/// Replays a recording with samples every `interval`, starting at `phase`. Returns a description of the first mistake,
/// or an empty text.
std::string mistake(const Recording& recording, Duration interval, Duration phase) {
    const Bound bound = bound_of(recording.name);
    const Duration last_use = recording.last_use(Duration::max());
    TrafficHistory history;
    bool is_recognized = false;
    const auto at = [](Duration time) { return std::to_string(time / 1ms) + " ms"; };
    for (Duration now = phase; now <= recording.end() + interval; now += interval) {
        const SocketSample sample = recording.at(now);
        history = core::with_sample(std::move(history), recording.source, std::span(&sample, 1), start + now);
        const core::TrafficUse use = core::judge(history, recording.source);
        const Duration last = std::max(use.last, start) - start;
        const Duration truth = recording.last_use(now - recorder_delay);
        if (last < truth - recorder_delay) {
            return "at " + at(now) + ": used at " + at(last) + ", but really at " + at(truth);
        }
        if (use.earliest > use.last || use.last > start + now) {
            return "at " + at(now) + ": the times are not in order";
        }
        is_recognized = is_recognized || (now > last_use && last <= last_use + bound.late + interval);
    }
    const bool is_long_enough = recording.end() - last_use >= bound.recognized;
    return is_recognized || !is_long_enough ? "" : "the background was not recognized";
}

SESSLIMIT_TEST(recordings_are_judged) {
    std::size_t count = 0;
    std::string mistakes;
    for (const auto& file : std::filesystem::directory_iterator(SESSLIMIT_SOURCE_DIR "/tests/data/traffic")) {
        const Recording recording(file.path());
        ++count;
        for (const Duration interval : {Duration(1s), Duration(3s), Duration(8s)}) {
            for (const int third : {0, 1, 2}) {
                const std::string found = mistake(recording, interval, 1s + interval * third / 3);
                mistakes +=
                    found.empty() ? "" : recording.name + ", " + std::to_string(interval / 1s) + " s: " + found + "\n";
            }
        }
    }
    EXPECT_TEXT(mistakes, "");
    EXPECT(count >= 30, "the recordings exist");
}

/// A socket whose counters a test advances, with samples every 10 s.
struct Bench {
    TrafficSource source = TrafficSource::network;
    std::vector<SocketSample> sockets{{.cookie = 1}};
    TrafficHistory history;
    BootTime now = start;

    void out(Duration at, std::uint64_t bytes, std::uint64_t segments = 1, std::size_t socket = 0) {
        sockets[socket].bytes_out += bytes;
        sockets[socket].segments_out += segments;
        sockets[socket].last_out = start + at;
    }
    void in(Duration at, std::uint64_t bytes, std::uint64_t segments = 1, std::size_t socket = 0) {
        sockets[socket].bytes_in += bytes;
        sockets[socket].segments_in += segments;
        sockets[socket].last_in = start + at;
    }
    void sample(Duration at) {
        now = start + at;
        history = core::with_sample(std::move(history), source, sockets, now);
    }
    /// Returns the last use in seconds since the start, and the earliest one if it differs.
    [[nodiscard]] std::string use() const {
        const core::TrafficUse use = core::judge(history, source);
        const auto seconds = [](BootTime time) {
            return time == BootTime{} ? std::string("never") : std::to_string((time - start) / 1s);
        };
        return seconds(use.last) + (use.earliest == use.last ? "" : " or " + seconds(use.earliest));
    }
};

SESSLIMIT_TEST(only_sent_payload_is_use_of_a_network_socket) {
    Bench bench;
    bench.sample(1s);
    bench.in(5s, 500, 2);
    bench.sample(10s);
    const std::string after_output = bench.use();
    bench.out(15s, 500, 2);
    bench.in(18s, 500, 2);
    bench.sample(20s);
    EXPECT_TEXT(after_output, "never");
    EXPECT_TEXT(bench.use(), "15");
}

/// An editor and its server are left alone after a use at 0 s. From 3 s on, the server sends 19 bytes every 5.02 s, and
/// the editor does so some time later. A sample every 1.5 s often contains only one of the two messages.
SESSLIMIT_TEST(directions_of_background_may_have_different_phases) {
    for (const Duration later : {Duration(0s), Duration(100ms), Duration(700ms), Duration(1400ms), Duration(2500ms)}) {
        Bench bench;
        bench.sample(1ms);
        bench.out(2ms, 300);
        Duration out = 3s;
        Duration in = out + later;
        Duration recognized{};
        for (Duration at = 1500ms; at < 100s && recognized == Duration{}; at += 1500ms) {
            for (; out < at; out += 5020ms) {
                bench.out(out, 19);
            }
            for (; in < at; in += 5020ms) {
                bench.in(in, 19);
            }
            bench.sample(at);
            recognized = at > 10s && core::judge(bench.history, bench.source).last <= start + 3s ? at : Duration{};
        }
        EXPECT(recognized > 0s && recognized <= 50s,
               std::to_string(later / 1ms) + ": " + std::to_string(recognized / 1ms));
    }
}

SESSLIMIT_TEST(a_bulk_transfer_is_use_in_either_direction) {
    Bench bench;
    bench.sample(1s);
    bench.in(9s, 89'000, 60);
    bench.sample(10s);
    const std::string slow = bench.use();
    bench.in(19s, 101'000, 70);
    bench.sample(20s);
    EXPECT_TEXT(slow, "never");
    EXPECT_TEXT(bench.use(), "19");
}

SESSLIMIT_TEST(all_payload_is_use_of_a_channel) {
    Bench bench;
    bench.source = TrafficSource::channel;
    bench.sample(1s);
    bench.out(5s, 68);
    bench.sample(10s);
    const std::string after_output = bench.use();
    bench.in(12s, 68);
    bench.sample(20s);
    EXPECT_TEXT(after_output, "5");
    EXPECT_TEXT(bench.use(), "12 or 5");
}

SESSLIMIT_TEST(regular_output_on_a_channel_is_use) {
    Bench bench;
    bench.source = TrafficSource::channel;
    for (int at = 0; at < 40; ++at) {
        bench.out(at * 10s + 5s, 84);
        bench.sample(at * 10s + 10s);
    }
    EXPECT_TEXT(bench.use(), "395 or 155");
}

SESSLIMIT_TEST(window_adjustments_are_not_use) {
    struct Case {
        const char* name;
        std::uint64_t received;
        std::uint64_t size;
        const char* use;
    };
    const std::array cases{Case{"OpenSSH with a terminal", 51'800, 36, "never"},
                           Case{"less output than a window adjustment needs", 40'000, 36, "10 or never"},
                           Case{"a request that is not as large as one", 51'800, 47, "10 or never"}};
    for (const Case& each : cases) {
        Bench bench;
        bench.in(0s, 100);
        bench.sample(1s);
        bench.in(10s, each.received, 40);
        bench.out(10s, each.size);
        bench.sample(30s);
        EXPECT(bench.use() == each.use, std::string(each.name) + ": " + bench.use());
    }
}

SESSLIMIT_TEST(keepalives_without_channel_data_are_recognized_at_once) {
    Bench bench;
    bench.out(0s, 2000, 5);
    bench.sample(1s);
    std::string uses;
    for (int at = 1; at <= 3; ++at) {
        bench.out(at * 60s, 52);
        bench.in(at * 60s, 28);
        bench.sample(at * 60s + 5s);
        uses += bench.use() + ", ";
    }
    EXPECT_TEXT(uses, "60 or 0, 120 or 0, 0, ");
}

SESSLIMIT_TEST(a_socket_that_is_new_or_not_tracked_is_used) {
    Bench bench;
    bench.sample(1s);
    bench.sockets.push_back({.cookie = 2});
    bench.out(7s, 36, 1, 1);
    bench.sample(10s);
    const std::string first = bench.use();
    bench.sockets.erase(bench.sockets.begin() + 1);
    bench.sample(20s);
    const std::string closed = bench.use();
    for (std::uint64_t cookie = 10; cookie < 30; ++cookie) {
        bench.sockets.push_back({.cookie = cookie});
        bench.out(21s + cookie * 100ms, 36, 1, bench.sockets.size() - 1);
    }
    bench.sample(30s);
    EXPECT_TEXT(first, "7");
    EXPECT_TEXT(closed, "7");
    EXPECT_TEXT(bench.use(), "23");
    EXPECT(bench.history.sockets.size() == TrafficHistory::max_sockets, "bounded");
}

SESSLIMIT_TEST(a_dead_peer_is_not_use) {
    Bench bench;
    bench.out(0s, 500, 2);
    bench.sample(1s);
    bench.sockets[0].is_dead = true;
    bench.out(9s, 500, 2);
    bench.sample(10s);
    const std::string dead = bench.use();
    bench.sockets[0].is_dead = false;
    bench.out(19s, 500, 2);
    bench.sample(20s);
    EXPECT_TEXT(dead, "0");
    EXPECT_TEXT(bench.use(), "19");
}

SESSLIMIT_TEST(samples_in_quick_succession_are_ignored) {
    Bench bench;
    bench.out(0s, 500, 2);
    bench.sample(1s);
    const TrafficHistory before = bench.history;
    bench.out(1200ms, 500, 2);
    bench.sample(1500ms);
    const bool is_same = bench.history == before;
    bench.sample(2s);
    EXPECT(is_same, "ignored");
    EXPECT_TEXT(bench.use(), "1");
}

} // namespace
