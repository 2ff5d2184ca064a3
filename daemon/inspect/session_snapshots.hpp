// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/inspect/terminal_snapshot.hpp"
#include "daemon/inspect/termination_preview.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sesslimit::inspect {

/// Caches of data about sessions. Users can request this data at a high rate, by D-Bus calls or by logins that are
/// denied.
struct SessionSnapshots {
    SnapshotCache<TerminalSnapshot> terminals{
        [](const core::Session& session) { return read_terminal_snapshot(session); }};
    SnapshotCache<TerminationPreview> previews;

    /// `keep_of` returns the names of the programs that the policy preserves when it terminates the session.
    explicit SessionSnapshots(std::function<std::vector<std::string>(const core::Session&)> keep_of)
        : previews([keep_of = std::move(keep_of)](const core::Session& session) {
              return termination_preview_of(session, keep_of(session));
          }) {}

    /// Discards the cached data of a session that no longer exists.
    void forget(SessionKey key) {
        terminals.forget(key);
        previews.forget(key);
    }
};

} // namespace sesslimit::inspect
