// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/ledger/ledger.hpp"
#include "daemon/ledger/ledger_file.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace sesslimit::ledger {

/// Index of a ledger file in memory. It contains the number of the slot of each session, and the generation (number of
/// updates) of each slot. With the index, an update of the ledger only writes to the file and does not read it.
struct Index {
    std::unordered_map<SessionKey, std::uint32_t> slot_of;
    /// Numbers of the free slots. Capacity for all slots is reserved.
    std::vector<std::uint32_t> free;
    /// Number of updates of each slot of the ledger file.
    std::vector<std::uint64_t> generations;
    /// Numbers of free slots that contain a rejected record, which must be overwritten.
    std::vector<std::uint32_t> rejected_slots;

    /// Adds the new slots of a ledger file that has grown to `slots` slots, and marks them as free. The lowest of the
    /// new slots is used first. If memory is exhausted, throws std::bad_alloc and changes nothing.
    void add_slots(std::size_t slots);
};

/// Reads every slot of the ledger file. Passes the recorded sessions to `restore`, and adds a line for the journal to
/// `dropped` for each rejected record or damaged copy of a slot. Clears damaged copies, and writes nothing else.
Index read_all(const LedgerFile& image, const Restore& restore, std::vector<std::string>& dropped);

} // namespace sesslimit::ledger
