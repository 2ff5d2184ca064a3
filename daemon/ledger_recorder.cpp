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

bool LedgerRecorder::is_recording() {
    if (!ledger_) {
        return false;
    }
    check_place();
    return !failing_ && !displaced_;
}

void LedgerRecorder::check() {
    if (ledger_ && !displaced_ && ledger_->is_deleted()) {
        check_place();
    }
}

void LedgerRecorder::check_place() {
    const bool was_displaced = std::exchange(displaced_, !ledger_->is_in_place());
    if (displaced_ && !was_displaced) {
        journal_.log(output::Priority::error,
                     "The ledger was deleted while sesslimitd is running; sessions remain limited, but their start "
                     "times will be lost if sesslimitd restarts. Run 'systemctl restart sesslimitd' to create a new "
                     "ledger.");
    }
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
