// SPDX-License-Identifier: MIT
#include "daemon/core/traffic_run.hpp"

#include "daemon/core/ssh_packet.hpp"

#include <algorithm>
#include <cmath>

namespace sesslimit::core {
namespace {

using std::chrono::seconds;

/// Maximum chance that a user causes traffic that is judged to be background, for messages of any size, for messages
/// with the sizes of keepalives, and for messages with sizes that no channel data has.
constexpr double max_chance = 1e-7;
constexpr double max_chance_of_keepalives = 2e-5;
constexpr double max_chance_without_data = 2e-2;

/// Chance that a message of a user fits, for a tolerance of one average interval. The intervals of a user with a
/// regular rhythm vary by +-20 %, and the difference of two of them is compared with twice the tolerance.
constexpr double chance_factor = 10;

/// Maximum delay of a message, for example by a retransmission (RFC 6298: at least 1 s, in Linux 200 ms and more).
constexpr Duration max_delay = seconds(1);

/// Chance that a message of background traffic is delayed beyond the tolerance.
constexpr double delay_chance = 0.02;

/// Maximum chance that a user causes the messages before such a delay.
constexpr double max_chance_before_delay = 1e-2;

/// Maximum chance that the messages at the start of background traffic are keys that fit by chance. It is lower if the
/// messages before them have the same size, and do not fit.
constexpr double max_chance_at_start = 3e-2;
constexpr double max_chance_after_keys = 3e-3;

/// Maximum difference between the sizes of messages in a run, in bytes. With compression, the size of a keepalive can
/// vary by one block of chacha20.
constexpr double max_spread = 8;

} // namespace

TrafficRun::TrafficRun(const SocketHistory& socket, Duration tolerance, std::size_t phases, std::uint64_t most_missing)
    : tolerance_(static_cast<double>(tolerance.count())), phases_(phases), most_missing_(most_missing) {
    chances_[0] = 1;
    for (auto step = socket.steps.rbegin(); step != socket.steps.rend() && add(*step); ++step) {
    }
}

std::size_t TrafficRun::background() const {
    if (is_without_data_) {
        return proven_;
    }
    const std::size_t oldest = proven_ == length_ && is_anchored_ ? proven_ + 1 : proven_;
    const double most = proven_ == length_ && !is_after_keys_ ? max_chance_at_start : max_chance_after_keys;
    for (std::size_t count = oldest; count > 0; --count) {
        if (chances_[oldest] / chances_[count - 1] <= most) {
            return count - 1;
        }
    }
    return 0;
}

bool TrafficRun::add(const TrafficStep& step) {
    Sizes counted = counted_;
    counted.add(step.messages, step.bytes);
    if (step.is_use || counted.largest - counted.smallest > max_spread) {
        // The last message of this step can still be background.
        is_anchored_ = fits(step);
        chances_[length_ + 1] = fit_chance_;
        return false;
    }
    counted_ = counted;
    other_.add(step.other_messages, step.other_bytes);
    if (!has_room(step) || !fits(step)) {
        is_after_keys_ = counted_.each() != 0 && (other_.messages == 0 || other_.each() != 0);
        return false;
    }
    ++length_;
    chances_[length_] = fit_chance_;
    const bool is_possible = is_balanced() && chance_ <= max_chance_without_data;
    if (is_possible && (!is_delayed_ || chance_before_delay_ <= max_chance_before_delay)) {
        const double limit = most();
        if (chance_ <= limit) {
            proven_ = length_;
            is_without_data_ = limit == max_chance_without_data;
        }
    }
    return true;
}

bool TrafficRun::is_balanced() const {
    return other_.messages == 0 || missing() <= most_missing_;
}

std::uint64_t TrafficRun::missing() const {
    return std::max(counted_.messages, other_.messages) - std::min(counted_.messages, other_.messages);
}

double TrafficRun::most() const {
    const std::uint32_t one = counted_.each();
    const std::uint32_t other = other_.each();
    if (missing() > 1 || !ssh_packet::are_keepalives(one, other)) {
        return max_chance;
    }
    return ssh_packet::are_data(one, other) ? max_chance_of_keepalives : max_chance_without_data;
}

bool TrafficRun::has_room(const TrafficStep& step) {
    const std::uint64_t periods = (std::max<std::uint64_t>(step.messages, 1) - 1) / phases_;
    if (periods > 0) {
        const auto room = static_cast<double>((step.last - step.begin + max_delay).count());
        high_ = std::min(high_, room / static_cast<double>(periods * phases_));
    }
    return low_ <= high_;
}

bool TrafficRun::fits(const TrafficStep& step) {
    if (step.last == BootTime{}) {
        return true; // no counted message
    }
    const Point point{static_cast<double>(step.last.time_since_epoch().count()), static_cast<double>(number_)};
    std::optional<Point>& reference = references_[number_ % phases_];
    number_ += step.messages;
    if (!reference) {
        reference = point;
        return true;
    }
    return fits(point, *reference) &&
           high_ >= static_cast<double>(TrafficHistory::min_period.count()) / static_cast<double>(phases_);
}

bool TrafficRun::fits(const Point& point, Point& reference) {
    const double messages = point.number - reference.number;
    const double interval = reference.time - point.time;
    const double low = std::max(low_, (interval - tolerance_) / messages);
    const double high = std::min(high_, (interval + tolerance_) / messages);
    if (low > high) {
        return is_disturbed(point, reference, messages, interval);
    }
    if (low_ > 0) {
        const double fits = std::min(1.0, chance_factor * tolerance_ / (low * std::sqrt(messages)));
        chance_ *= fits;
        chance_before_delay_ *= fits;
        fit_chance_ *= fits;
    }
    low_ = low;
    high_ = high;
    reference = point;
    return true;
}

bool TrafficRun::is_disturbed(const Point& point, Point& reference, double messages, double interval) {
    const double most = std::min(static_cast<double>(max_delay.count()), low_ / 4);
    const double late = interval - high_ * messages;
    const double early = low_ * messages - interval;
    if (phases_ > 1 || late > most || early > most) {
        return false;
    }
    const double of_user = std::min(1.0, chance_factor / 4 * most / (low_ * std::sqrt(messages)));
    chance_ *= of_user / std::min(1.0, delay_chance * messages);
    chance_before_delay_ = 1;
    is_delayed_ = true;
    if (late > 0) {
        // The newer message was late, and the ones that followed it may have been late because of it.
        reference = point;
    }
    return true;
}

} // namespace sesslimit::core
