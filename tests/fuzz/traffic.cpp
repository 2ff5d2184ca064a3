// SPDX-License-Identifier: MIT
// Counters and times of a session's sockets. The first byte selects the source. Each sample consists of the time since
// the previous one, the number of its sockets, and their counters.
#include "daemon/core/traffic.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <vector>

namespace sesslimit::fuzz {
namespace {

using core::TrafficHistory;

constexpr int max_samples = 64;
constexpr std::size_t max_sockets = 16;

/// Reads a number whose size is given by its first byte, so that both small and huge numbers are likely.
std::uint64_t number(Input& input) {
    switch (input.byte() % 4) {
    case 0:
        return input.byte();
    case 1:
        return input.number<std::uint16_t>();
    case 2:
        return input.number<std::uint32_t>();
    default:
        return input.number<std::uint64_t>();
    }
}

/// Reads a time, which can be in the future or before the boot.
BootTime time(Input& input, BootTime now) {
    const auto value = static_cast<std::int64_t>(number(input));
    return input.byte() % 2 == 0 ? now - Duration(value & 0xFFFF'FFFF) : BootTime(Duration(value));
}

core::SocketSample socket(Input& input, BootTime now) {
    return {.cookie = input.byte() % max_sockets,
            .bytes_in = number(input),
            .bytes_out = number(input),
            .segments_in = number(input),
            .segments_out = number(input),
            .last_in = time(input, now),
            .last_out = time(input, now),
            .is_dead = input.byte() % 4 == 0};
}

void check(const TrafficHistory& history, core::TrafficSource source, BootTime now) {
    must(history.sockets.size() <= TrafficHistory::max_sockets, "the number of sockets is bounded");
    for (const core::SocketHistory& each : history.sockets) {
        must(each.steps.size() <= TrafficHistory::max_steps, "the number of steps is bounded");
        must(std::ranges::is_sorted(each.steps, {}, &core::TrafficStep::begin), "the steps are in order");
    }
    const core::TrafficUse use = core::judge(history, source);
    must(use.earliest <= use.last, "the earliest time is not later than the last use");
    must(use.last <= now, "the last use is not in the future");
    must(core::judge(history, source) == use, "the result depends only on the history");
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    Input input(bytes);
    const auto source = input.byte() % 2 == 0 ? core::TrafficSource::network : core::TrafficSource::channel;
    TrafficHistory history;
    BootTime now{std::chrono::hours(1)};
    for (int count = 0; count < max_samples && !input.empty(); ++count) {
        now = after(now, Duration(static_cast<std::int64_t>(number(input) >> 1U)));
        std::vector<core::SocketSample> sockets(input.byte() % (max_sockets + 1));
        for (core::SocketSample& each : sockets) {
            each = socket(input, now);
        }
        history = core::with_sample(std::move(history), source, sockets, now);
        check(history, source, now);
    }
}

} // namespace sesslimit::fuzz
