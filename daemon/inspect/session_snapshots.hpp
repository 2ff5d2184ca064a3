// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/inspect/terminal_snapshot.hpp"
#include "daemon/inspect/termination_preview.hpp"

namespace sesslimit::inspect {

/// Caches of data about sessions. Users can request this data at a high rate, by D-Bus calls or by logins that are
/// denied.
struct SessionSnapshots {
    SnapshotCache<TerminalSnapshot> terminals{&read_terminal_snapshot};
    SnapshotCache<TerminationPreview> previews{
        [](const core::Session& session) { return termination_preview_of(session); }};

    /// Discards the cached data of a session that no longer exists.
    void forget(SessionKey key) {
        terminals.forget(key);
        previews.forget(key);
    }
};

} // namespace sesslimit::inspect
