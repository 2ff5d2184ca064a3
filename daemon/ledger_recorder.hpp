// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/engine.hpp"
#include "daemon/ledger/ledger.hpp"
#include "daemon/output/journal.hpp"

#include <optional>
#include <vector>

namespace sesslimit {

/// Recorder that writes to the ledger. It continues without a ledger if none is available, because a full /run must not
/// prevent logins. It logs each failure of the recording once, when the failure starts.
class LedgerRecorder final : public Recorder {
  public:
    /// Lifetime: `journal` must outlive the recorder.
    explicit LedgerRecorder(output::Journal& journal) : journal_(journal) {}

    void put(const core::Session& session) override;
    void drop(SessionKey key) override;

    /// Sets the ledger. Writes the records of decisions that were made before this call, while the ledger was being
    /// read.
    void attach(ledger::Ledger ledger, const core::State& state);

    /// Returns true if decisions are recorded and survive a restart.
    [[nodiscard]] bool is_recording() const { return ledger_.has_value() && !failing_; }

    /// Continues without a ledger until the daemon stops.
    void do_without();

  private:
    /// Remembers a session whose record cannot be written before attach().
    void report_failure(SessionKey key);

    output::Journal& journal_;
    std::optional<ledger::Ledger> ledger_;
    std::vector<SessionKey> missed_; ///< sessions with decisions before attach()
    bool none_to_come_ = false;
    bool failing_ = false;
};

} // namespace sesslimit
