// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/event_loop.hpp"
#include "daemon/messages/denial_throttle.hpp"
#include "daemon/output/journal.hpp"

#include <vector>

namespace sesslimit::output {

/// Writer of denied logins to the journal. Repeated denials of the same remote host or local user are counted and
/// written as one entry (DenialThrottle). A timer ends the count, and is armed only while denials are being counted.
class DenialJournal {
  public:
    /// Lifetime: `loop` and `journal` must outlive the DenialJournal.
    DenialJournal(sd_event* loop, Journal& journal);
    DenialJournal(const DenialJournal&) = delete;
    DenialJournal& operator=(const DenialJournal&) = delete;
    ~DenialJournal() = default;

    void log(const core::Notice& denied);

    /// Writes the journal entries about denials that were only counted so far. Called when the daemon stops.
    void flush();

  private:
    void write(const std::vector<messages::SuppressedDenials>& ended);
    void arm();

    Journal& journal_;
    messages::DenialThrottle denials_;
    Timer timer_;
};

} // namespace sesslimit::output
