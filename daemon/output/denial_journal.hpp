// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/output/journal.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/messages/denial_throttle.hpp"

#include <vector>

namespace sesslimit::output {

/// Writes refusals to the journal, the repeated ones of an address as a number. Its timer is armed while an address is
/// counted, and off where none is.
class RefusalJournal {
  public:
    /// Both live longer.
    RefusalJournal(sd_event* loop, Journal& journal) : loop_(loop), journal_(journal) {}
    RefusalJournal(const RefusalJournal&) = delete;
    RefusalJournal& operator=(const RefusalJournal&) = delete;
    ~RefusalJournal() = default;

    void tell(const core::Notice& refused);

    /// Writes what was only counted until now: the daemon stops.
    void flush();

  private:
    static int on_due(sd_event_source* source, std::uint64_t at, void* self);
    void write(const std::vector<messages::Repeated>& ended);
    void arm();

    sd_event* loop_;
    Journal& journal_;
    messages::Refusals refusals_;
    EventSource timer_;
};

} // namespace sesslimit::output
