// SPDX-License-Identifier: MIT
#include "daemon/output/denial_journal.hpp"

#include "common/result.hpp"

namespace sesslimit::output {
namespace {

/// Maximum delay of the timer that ends the counting of repeated denials. The delay allows the event loop to combine
/// wakeups, and is short in comparison to the counting, which lasts at least a minute.
constexpr Duration accuracy = std::chrono::seconds(1);

} // namespace

DenialJournal::DenialJournal(sd_event* loop, Journal& journal)
    : journal_(journal), timer_(
                             loop, CLOCK_BOOTTIME,
                             [this] {
                                 write(denials_.due(boottime_now()));
                                 arm();
                             },
                             accuracy) {}

void DenialJournal::log(const core::Notice& denied) {
    std::vector<messages::SuppressedDenials> ended;
    const bool own_line = denials_.take(denied, boottime_now(), ended);
    write(ended);
    if (own_line) {
        journal_.log(messages::journal_entry(denied));
        arm();
    }
}

void DenialJournal::flush() {
    write(denials_.end_all(boottime_now()));
    arm();
}

void DenialJournal::write(const std::vector<messages::SuppressedDenials>& ended) {
    for (const messages::SuppressedDenials& repeated : ended) {
        journal_.log(messages::journal_entry(repeated));
    }
}

void DenialJournal::arm() {
    const BootTime deadline = denials_.deadline();
    if (deadline == never) {
        return timer_.disarm();
    }
    if (const auto armed = timer_.arm_at(deadline.time_since_epoch()); !armed) {
        journal_.log(Priority::warning, "Failed to count repeated denials: " + armed.error().what);
        flush(); // denials are logged individually until a timer can be armed
    }
}

} // namespace sesslimit::output
