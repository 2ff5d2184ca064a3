// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/effects/journal.hpp"
#include "daemon/loop.hpp"
#include "daemon/notice/refusals.hpp"

#include <vector>

namespace sesslimit::effects {

/// Writes refusals to the journal, the repeated ones of an address as a number. Its timer is armed while an address is
/// counted, and off where none is.
class RefusalJournal {
  public:
    /// Both live longer.
    RefusalJournal(sd_event* loop, Journal& journal) : loop_(loop), journal_(journal) {}
    RefusalJournal(const RefusalJournal&) = delete;
    RefusalJournal& operator=(const RefusalJournal&) = delete;
    ~RefusalJournal() = default;

    void tell(const warden::Notice& refused);

    /// Writes what was only counted until now: the daemon stops.
    void flush();

  private:
    static int on_due(sd_event_source* source, std::uint64_t at, void* self);
    void write(const std::vector<notice::Repeated>& ended);
    void arm();

    sd_event* loop_;
    Journal& journal_;
    notice::Refusals refusals_;
    EventSource timer_;
};

} // namespace sesslimit::effects
