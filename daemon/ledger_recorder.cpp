// SPDX-License-Identifier: MIT
#include "daemon/ledger_recorder.hpp"

#include <utility>

namespace sesslimit {

void LedgerRecorder::put(const core::Session& session) {
    if (!ledger_) {
        return report_failure(session.key);
    }
    const auto done = ledger_->put(session);
    if (!done && !failing_) {
        journal_.log(output::Priority::error,
                     "Failed to record a session in the ledger; its start time will be lost if sesslimitd restarts: " +
                         done.error().what);
    }
    failing_ = !done;
}

void LedgerRecorder::drop(SessionKey key) {
    if (!ledger_) {
        return report_failure(key);
    }
    ledger_->drop(key);
}

void LedgerRecorder::report_failure(SessionKey key) {
    if (!none_to_come_) {
        missed_.push_back(key);
    }
}

void LedgerRecorder::do_without() {
    none_to_come_ = true;
    missed_.clear();
}

void LedgerRecorder::attach(ledger::Ledger ledger, const core::State& state) {
    ledger_ = std::move(ledger);
    for (const SessionKey key : std::exchange(missed_, {})) {
        if (const core::Session* session = state.find(key)) {
            put(*session);
        } else {
            drop(key);
        }
    }
}

} // namespace sesslimit
