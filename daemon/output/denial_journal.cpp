// SPDX-License-Identifier: MIT
#include "daemon/output/denial_journal.hpp"

#include "common/result.hpp"

namespace sesslimit::output {
namespace {

/// Permitted delay in microseconds of the timer that writes counted denials. A delay allows the event loop to combine
/// the timer with other wake-ups. Denials are counted for at least a minute.
constexpr std::uint64_t accuracy_usec = 1'000'000;

} // namespace

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

int DenialJournal::on_due(sd_event_source*, std::uint64_t, void* self) {
    auto& denials = *static_cast<DenialJournal*>(self);
    denials.write(denials.denials_.due(boottime_now()));
    denials.arm();
    return 0;
}

void DenialJournal::write(const std::vector<messages::SuppressedDenials>& ended) {
    for (const messages::SuppressedDenials& repeated : ended) {
        journal_.log(messages::journal_entry(repeated));
    }
}

void DenialJournal::arm() {
    const BootTime deadline = denials_.deadline();
    if (timer_) {
        sd_event_source_set_time(timer_.get(), static_cast<std::uint64_t>(deadline.time_since_epoch().count()));
        sd_event_source_set_enabled(timer_.get(), deadline == never ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
        return;
    }
    if (deadline == never) {
        return;
    }
    sd_event_source* source = nullptr;
    const int code = sd_event_add_time(loop_, &source, CLOCK_BOOTTIME,
                                       static_cast<std::uint64_t>(deadline.time_since_epoch().count()), accuracy_usec,
                                       &DenialJournal::on_due, this);
    timer_.reset(source);
    if (code < 0) {
        journal_.log(Priority::warning,
                     "Failed to count repeated denials: " + fail_errno("arm a timer", -code).error().what);
        flush(); // each denial gets its own entry until a timer can be armed
    }
}

} // namespace sesslimit::output
