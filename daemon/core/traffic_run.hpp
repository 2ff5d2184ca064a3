// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/traffic.hpp"

#include <array>
#include <limits>
#include <optional>

namespace sesslimit::core {

/// Maximum number of periodic messages in one direction of a socket, each with its own phase.
inline constexpr std::size_t max_phases = 2;

/// Search for background traffic at the end of a history, under one hypothesis about its tolerance and the number of
/// its phases. The search goes from the newest step to older ones.
class TrafficRun {
  public:
    /// `tolerance` is the maximum difference between the time of a message and the time at which it is expected.
    /// `phases` is the number of periodic messages in one direction of the socket, at most max_phases. `most_missing`
    /// is the maximum difference between the numbers of messages in both directions.
    TrafficRun(const SocketHistory& socket, Duration tolerance, std::size_t phases, std::uint64_t most_missing);

    /// Number of the newest steps that fit one period, with enough evidence.
    [[nodiscard]] std::size_t proven() const { return proven_; }
    /// Number of the newest steps for which that can still turn out to be true.
    [[nodiscard]] std::size_t possible() const { return length_; }
    /// Number of the newest steps that are background. The oldest message of a run can be a key, because ssh starts the
    /// timer of a keepalive at the last key. Other keys can have fit by chance.
    [[nodiscard]] std::size_t background() const;

  private:
    /// Last message of a step. `number` is the number of newer messages in the run.
    struct Point {
        double time = 0;
        double number = 0;
    };

    /// Sizes of the messages in one direction.
    struct Sizes {
        double smallest = std::numeric_limits<double>::max();
        double largest = 0;
        std::uint64_t messages = 0;
        std::uint64_t bytes = 0;

        void add(std::uint32_t added, std::uint32_t size) {
            if (added > 0) {
                smallest = std::min(smallest, static_cast<double>(size) / added);
                largest = std::max(largest, static_cast<double>(size) / added);
            }
            messages += added;
            bytes += size;
        }
        /// Size of each message, 0 if it is not constant.
        [[nodiscard]] std::uint32_t each() const {
            return messages > 0 && smallest == largest ? static_cast<std::uint32_t>(bytes / messages) : 0;
        }
    };

    /// Returns true if the step is possible in the run.
    bool add(const TrafficStep& step);

    /// Returns true if either all messages or none have an answer. Otherwise messages in one direction are keys or
    /// output.
    [[nodiscard]] bool is_balanced() const;

    /// Returns the difference between the numbers of messages in both directions.
    [[nodiscard]] std::uint64_t missing() const;

    /// Returns the maximum chance that a user causes traffic of these sizes.
    [[nodiscard]] double most() const;

    /// Returns true if there was time for all messages of a step between its begin and the last of them.
    bool has_room(const TrafficStep& step);

    /// Returns true if the last message of a step fits the period.
    bool fits(const TrafficStep& step);

    /// Returns true if a message fits a newer one of the same phase, and replaces that one.
    bool fits(const Point& point, Point& reference);

    /// Returns true if a message that does not fit may be background. A disturbance of the network delays a message.
    /// Older messages are only background if they are proven to be it without the newer ones.
    bool is_disturbed(const Point& point, Point& reference, double messages, double interval);

    double tolerance_;
    std::size_t phases_;
    std::uint64_t most_missing_;
    /// Chance that a user causes the messages of the run, including its delays.
    double chance_ = 1;
    /// Chance that a user causes the messages before the delays.
    double chance_before_delay_ = 1;
    /// Chance that a user causes the messages that fit.
    double fit_chance_ = 1;
    /// Values of fit_chance_ after so many steps.
    std::array<double, TrafficHistory::max_steps + 2> chances_{};
    bool is_delayed_ = false;
    /// True if the sizes of the proven messages exclude channel data.
    bool is_without_data_ = false;
    /// True if the last message before the run fits the period.
    bool is_anchored_ = false;
    /// True if the message before the run has the same size, and does not fit the period.
    bool is_after_keys_ = false;
    /// Range of the average interval between two messages, in microseconds.
    double low_ = 0;
    double high_ = std::numeric_limits<double>::max();
    Sizes counted_;
    Sizes other_;
    /// Number of counted messages.
    std::uint64_t number_ = 0;
    /// Number of steps, and of those that are proven.
    std::size_t length_ = 0;
    std::size_t proven_ = 0;
    /// Newest known message of each phase.
    std::array<std::optional<Point>, max_phases> references_;
};

} // namespace sesslimit::core
