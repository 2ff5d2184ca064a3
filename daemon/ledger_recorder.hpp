// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/engine.hpp"
#include "daemon/ledger/ledger.hpp"
#include "daemon/output/journal.hpp"

#include <optional>
#include <vector>

namespace sesslimit {

/// Records in the ledger, or, where there is none to be had, goes on without: a full /run must not keep anybody out.
/// Says so in the journal, once for each time that it begins.
class LedgerRecorder final : public Recorder {
  public:
    /// The journal lives longer.
    explicit LedgerRecorder(output::Journal& journal) : journal_(journal) {}

    void put(const core::Session& session) override;
    void drop(SessionKey key) override;

    /// From now on this is the ledger. What was decided before, while it was being read, is recorded now.
    void attach(ledger::Ledger ledger, const core::State& state);

    /// Whether what is decided would survive a restart.
    [[nodiscard]] bool is_recording() const { return ledger_.has_value() && !failing_; }

    /// There will be no ledger.
    void do_without();

  private:
    void report_failure(SessionKey key);

    output::Journal& journal_;
    std::optional<ledger::Ledger> ledger_;
    std::vector<SessionKey> missed_; ///< decided about before attach()
    bool none_to_come_ = false;
    bool failing_ = false;
};

} // namespace sesslimit
