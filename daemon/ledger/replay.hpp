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

/// The slot of each session and the generation of each slot. The index caches both, so that an update only
/// writes to the file.
struct Index {
    std::unordered_map<SessionKey, std::uint32_t> slot_of;
    std::vector<std::uint32_t> free;           ///< free slots; capacity for all slots is reserved
    std::vector<std::uint64_t> generations;    ///< generation of each slot
    std::vector<std::uint32_t> rejected_slots; ///< free slots with rejected contents, to be overwritten

    /// Marks the slots from the end of `generations` to `slots` as free. The lowest of them is used first. Nothing
    /// changes if memory is exhausted.
    void add_slots(std::size_t slots);
};

/// Reads every slot of the image. Passes sessions to `restore`, and adds lines about rejected contents to `dropped`
/// (Ledger::open). Makes torn copies blank, and writes nothing else.
Index read_all(const LedgerFile& image, const Restore& restore, std::vector<std::string>& dropped);

} // namespace sesslimit::ledger
