// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/engine.hpp"
#include "daemon/ledger/ledger.hpp"
#include "daemon/output/journal.hpp"

#include <optional>
#include <vector>

namespace sesslimit {

/// Recorder that writes the records of sessions to the ledger file. If the ledger is unavailable, it discards the
/// records, because a full /run must not prevent logins. When writes begin to fail, it logs only the first error. It
/// checks after each write that the file was not deleted.
class LedgerRecorder final : public Recorder {
  public:
    /// Lifetime: `journal` must outlive the recorder.
    explicit LedgerRecorder(output::Journal& journal) : journal_(journal) {}

    void put(const core::Session& session) override;
    void drop(SessionKey key) override;

    /// Checks that the ledger file was not deleted, and logs an error if it was. The engine calls this function after
    /// each decision, so it costs one system call without a path.
    void check() override;

    /// Sets the ledger, and writes the records of the decisions that were made before this call. `state` is the current
    /// state of all sessions.
    void attach(ledger::Ledger ledger, const core::State& state);

    /// Returns true if records are written to the ledger, so that the sessions survive a restart of the daemon. Returns
    /// false if the ledger file was deleted, renamed or replaced in the meantime. The first call after that, or the
    /// first write after a deletion, logs an error.
    [[nodiscard]] bool is_recording();

    /// Discards all records that are passed to the recorder from now on. Called if the ledger cannot be opened.
    void do_without();

  private:
    /// Remembers the session, so that attach() can write its record. Does nothing after do_without().
    void report_failure(SessionKey key);

    /// Checks that the path of the ledger leads to the open file, and logs an error if it does not anymore.
    void check_place();

    output::Journal& journal_;
    /// Ledger that attach() has set.
    std::optional<ledger::Ledger> ledger_;
    /// Sessions whose records attach() must write.
    std::vector<SessionKey> missed_;
    /// True after do_without().
    bool none_to_come_ = false;
    /// True if the last write of a record to the ledger failed.
    bool failing_ = false;
    /// True if the ledger file was deleted, renamed or replaced.
    bool displaced_ = false;
};

} // namespace sesslimit
