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

/// Index of a ledger file in memory, which contains the slot number of each session and the number of updates
/// (generation) of each slot. With the index, an update of the ledger writes to the file without reading it.
struct Index {
    std::unordered_map<SessionKey, std::uint32_t> slot_of;
    /// Numbers of the free slots. Capacity for all slots is reserved.
    std::vector<std::uint32_t> free;
    /// Number of updates of each slot of the ledger file.
    std::vector<std::uint64_t> generations;
    /// Numbers of the free slots whose record was rejected. The rejected record must be overwritten.
    std::vector<std::uint32_t> rejected_slots;

    /// Adds the new slots of a ledger file to the index as free slots, after the file has grown to `slots` slots. The
    /// lowest of the new slots is used first. If memory is exhausted, throws std::bad_alloc and changes nothing.
    void add_slots(std::size_t slots);
};

/// Reads every slot of the ledger file, and passes the recorded sessions to `restore`. Adds a line for the journal to
/// `dropped` for each rejected record or damaged copy of a slot. Writes to the file only to clear damaged copies.
Index read_all(const LedgerFile& image, const Restore& restore, std::vector<std::string>& dropped);

} // namespace sesslimit::ledger
