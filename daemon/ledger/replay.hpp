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

/// Which session is in which slot, and how often each slot was updated: kept here so that an update only writes.
struct Index {
    std::unordered_map<SessionKey, std::uint32_t> slot_of;
    std::vector<std::uint32_t> free;           ///< slots that hold nothing; room for all of them is reserved
    std::vector<std::uint64_t> generations;    ///< of each slot
    std::vector<std::uint32_t> rejected_slots; ///< free slots that hold what was not believed, to be overwritten

    /// Calls the slots from the end of `generations` to `slots` free, the first of them to be used first.
    /// Where it runs out of memory all is as it was.
    void add_slots(std::size_t slots);
};

/// Reads every slot of the image: sessions go to `restore`, lines about what is not believed to `dropped`
/// (Ledger::open). Torn copies are made blank; nothing else is written.
Index read_all(const LedgerFile& image, const Restore& restore, std::vector<std::string>& dropped);

} // namespace sesslimit::ledger
