// SPDX-License-Identifier: MIT
#include "daemon/output/denial_journal.hpp"

#include "common/result.hpp"

namespace sesslimit::output {
namespace {

/// A line about what has been going on for a minute may come this late, with whatever else the host wakes up for.
constexpr std::uint64_t accuracy_usec = 1'000'000;

} // namespace

void RefusalJournal::tell(const core::Notice& refused) {
    std::vector<messages::Repeated> ended;
    const bool own_line = refusals_.take(refused, boottime_now(), ended);
    write(ended);
    if (own_line) {
        journal_.tell(messages::journal_entry(refused));
        arm();
    }
}

void RefusalJournal::flush() {
    write(refusals_.end_all(boottime_now()));
    arm();
}

int RefusalJournal::on_due(sd_event_source*, std::uint64_t, void* self) {
    auto& refusals = *static_cast<RefusalJournal*>(self);
    refusals.write(refusals.refusals_.due(boottime_now()));
    refusals.arm();
    return 0;
}

void RefusalJournal::write(const std::vector<messages::Repeated>& ended) {
    for (const messages::Repeated& repeated : ended) {
        journal_.tell(messages::journal_entry(repeated));
    }
}

void RefusalJournal::arm() {
    const Boottime deadline = refusals_.deadline();
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
                                       &RefusalJournal::on_due, this);
    timer_.reset(source);
    if (code < 0) {
        journal_.tell(Priority::warning, "No timer for repeated refusals: " + fail_errno("arm", -code).error().what);
        flush(); // they get lines of their own until there is one
    }
}

} // namespace sesslimit::output
