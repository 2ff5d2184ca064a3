// SPDX-License-Identifier: MIT
#include "daemon/ledger/ledger.hpp"

#include "daemon/ledger/codec.hpp"
#include "daemon/ledger/ledger_file.hpp"
#include "daemon/ledger/lock.hpp"
#include "daemon/ledger/replay.hpp"

#include <array>
#include <new>
#include <utility>

namespace sesslimit::ledger {
namespace {

constexpr unsigned updates_between_forgetting = 256;

} // namespace

struct Ledger::Impl {
    Lock lock;
    LedgerFile file;
    Index index;
    unsigned updates = 0;

    /// Writes an update to a slot of the ledger file. Returns false if the slot cannot be updated, because its update
    /// counter (generation) has the maximum value. This occurs only in a forged file.
    bool write(std::uint32_t slot, std::span<const std::byte> payload) noexcept {
        std::uint64_t& generation = index.generations[slot];
        if (generation >= last_generation) {
            return false;
        }
        write_slot(file.slot(slot), ++generation, payload);
        if (++updates % updates_between_forgetting == 0) {
            file.forget_pages();
        }
        return true;
    }

    /// Deletes the record in a slot of the ledger file. If the update counter of the slot has its maximum value, which
    /// occurs only in a forged file, both copies of the slot are cleared. The current copy is cleared last, so that the
    /// slot is unchanged if the process is killed before.
    void empty(std::uint32_t slot) noexcept {
        std::uint64_t& generation = index.generations[slot];
        if (!write(slot, {})) {
            const auto counts = static_cast<unsigned>(generation % 2);
            make_blank(file.slot(slot), 1 - counts);
            make_blank(file.slot(slot), counts);
            generation = 0;
        }
    }

    Result<> grow() {
        // If memory was exhausted when the ledger last grew, the file has more slots than its index in memory. In this
        // case, only the index is extended.
        if (file.slots() == index.generations.size()) {
            if (auto grown = file.grow(); !grown) {
                return grown;
            }
        }
        index.add_slots(file.slots());
        return {};
    }

    /// Returns the number of the slot in the ledger file that contains the session. If the session is not recorded yet,
    /// returns a free slot and assigns it to the session.
    Result<std::uint32_t> slot_for(SessionKey key) {
        const auto found = index.slot_of.find(key);
        if (found != index.slot_of.end()) {
            return found->second;
        }
        if (index.free.empty()) {
            if (auto grown = grow(); !grown) {
                return std::unexpected(std::move(grown.error()));
            }
        }
        const std::uint32_t slot = index.free.back();
        index.slot_of.emplace(key, slot);
        index.free.pop_back();
        return slot;
    }
};

Ledger::Ledger(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;
Ledger::~Ledger() = default;

Result<Ledger> Ledger::open(const std::filesystem::path& directory, const Restore& restore,
                            std::vector<std::string>& dropped, std::size_t step) try {
    auto boot = read_boot_id();
    if (!boot) {
        return std::unexpected(std::move(boot.error()));
    }
    auto lock = Lock::take(directory / "ledger.lock");
    if (!lock) {
        return std::unexpected(std::move(lock.error()));
    }
    auto file = LedgerFile::open(directory, *boot, step, dropped);
    if (!file) {
        return std::unexpected(std::move(file.error()));
    }
    Index index = read_all(*file, restore, dropped);
    const auto rejected_slots = std::exchange(index.rejected_slots, {});
    auto impl = std::make_unique<Impl>(Impl{std::move(*lock), std::move(*file), std::move(index)});
    for (const std::uint32_t slot : rejected_slots) {
        impl->empty(slot);
    }
    return Ledger(std::move(impl));
} catch (const std::bad_alloc&) {
    return fail("out of memory while accessing the session ledger", ENOMEM);
}

Result<> Ledger::put(const core::Session& session) try {
    std::array<std::byte, max_payload> payload;
    const auto size = encode(session, payload);
    if (!size) {
        return fail("invalid session: " + std::string(size.error()), EINVAL);
    }
    auto slot = impl_->slot_for(session.key);
    if (!slot) {
        return std::unexpected(std::move(slot.error()));
    }
    if (!impl_->write(*slot, std::span(payload).first(*size))) {
        return fail("update counter of the ledger slot has reached its maximum", EOVERFLOW);
    }
    return {};
} catch (const std::bad_alloc&) {
    return fail("out of memory while accessing the session ledger", ENOMEM);
}

void Ledger::drop(SessionKey key) noexcept {
    Index& index = impl_->index;
    const auto found = index.slot_of.find(key);
    if (found == index.slot_of.end()) {
        return;
    }
    impl_->empty(found->second);
    index.free.push_back(found->second); // cannot allocate, capacity is reserved
    index.slot_of.erase(found);
}

bool Ledger::is_in_place() const noexcept {
    return impl_->file.is_in_place();
}

bool Ledger::is_deleted() const noexcept {
    return impl_->file.is_deleted();
}

std::size_t Ledger::size() const noexcept {
    return impl_->index.slot_of.size();
}

} // namespace sesslimit::ledger
