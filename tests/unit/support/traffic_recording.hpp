// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/traffic.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace sesslimit::test {

/// Recording of the traffic of a socket (tests/traffic/record describes the format). Times are relative to its start.
struct Recording {
    struct Line {
        Duration at{};
        core::SocketSample counters;
    };

    std::string name;
    core::TrafficSource source = core::TrafficSource::network;
    std::vector<Duration> uses;
    std::vector<Line> lines;

    explicit Recording(const std::filesystem::path& path) : name(path.stem()) {
        std::ifstream file(path);
        for (std::string line; std::getline(file, line);) {
            std::istringstream words(line);
            line.starts_with("#") ? read_header(words) : read_counters(words);
        }
    }

    /// Returns the counters that a probe would have read at this time.
    [[nodiscard]] core::SocketSample at(Duration time) const {
        const auto next = std::ranges::upper_bound(lines, time, {}, &Line::at);
        return next == lines.begin() ? core::SocketSample{.cookie = 1} : std::prev(next)->counters;
    }

    /// Returns the time of the last use before this time.
    [[nodiscard]] Duration last_use(Duration time) const {
        Duration last{};
        for (const Duration use : uses) {
            last = use <= time ? use : last;
        }
        return last;
    }

    [[nodiscard]] Duration end() const { return lines.empty() ? Duration{} : lines.back().at; }

    /// Point in time at which a recording starts.
    static constexpr BootTime start{std::chrono::hours(1)};

  private:
    void read_header(std::istringstream& words) {
        std::string mark;
        std::string key;
        words >> mark >> key;
        if (key == "view") {
            std::string view;
            words >> view;
            source = view.ends_with("network") ? core::TrafficSource::network : core::TrafficSource::channel;
        }
        if (key == "use") {
            for (std::int64_t time = 0; words >> time;) {
                uses.emplace_back(std::chrono::milliseconds(time));
            }
        }
    }

    void read_counters(std::istringstream& words) {
        const std::vector<std::uint64_t> numbers(std::istream_iterator<std::uint64_t>(words), {});
        const auto time = [&](std::size_t age) {
            return std::chrono::milliseconds(numbers.at(0)) - std::chrono::milliseconds(numbers.at(age));
        };
        lines.push_back({std::chrono::milliseconds(numbers.at(0)),
                         {.cookie = 1,
                          .bytes_in = numbers.at(3),
                          .bytes_out = numbers.at(1),
                          .segments_in = numbers.at(4),
                          .segments_out = numbers.at(2),
                          .last_in = start + time(6),
                          .last_out = start + time(5)}});
    }
};

} // namespace sesslimit::test
