// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/claim.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// The comparison of the records of a host in the store with its sessions. It repairs every difference, such as after a
/// lost reply, an expired lease, or the deletion of records by an administrator.
namespace sesslimit::fleet {

/// A session of this host, as far as the comparison needs it.
struct Tracked {
    std::string user{};
    std::uint32_t slot = 0;    ///< Slot that the session occupies as far as its host knows; 0 if unknown.
    std::int64_t revision = 0; ///< Revision of the store at which it was last known to occupy the slot.
    bool busy = false;         ///< True if a transaction about the session has not ended yet.
};

/// The records of this host, read from the store.
struct StoredRecords {
    std::int64_t revision = 0;           ///< Revision at which they were read.
    std::vector<KeyValue> sessions{};    ///< All keys of Keys::sessions().
    std::vector<std::string> on_lease{}; ///< All keys of the host's lease, read after `sessions`. May be out of date.
};

/// The changes that make the records of this host match its sessions.
struct SyncPlan {
    struct Release {
        std::uint64_t session = 0;
        SessionRecord record{};
    };
    struct Found {
        std::uint32_t slot = 0;
        std::int64_t since = 0; ///< As recorded. The clock of the host may have been set since.
    };
    struct Repair {
        std::uint64_t session = 0;
        Claim::Previous previous{};
    };
    std::vector<Release> release{};         ///< Records of sessions that do not exist on this host.
    std::vector<Repair> repair{};           ///< Sessions of which a record is missing.
    std::map<std::uint64_t, Found> found{}; ///< Sessions with records.
    std::vector<Transaction> discard{};     ///< Deletions of slots without a session and of invalid records.
};

/// Compares the records with the sessions. `lease` is the lease of this host. A session that is busy, or that has
/// occupied its slot later than the records were read, is not changed.
SyncPlan compare(const Keys& keys, const StoredRecords& stored, const std::map<std::uint64_t, Tracked>& sessions,
                 std::int64_t lease);

} // namespace sesslimit::fleet
