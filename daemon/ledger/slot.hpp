// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/ledger/codec.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

/// The bytes of the ledger file (docs/ledger.md, "Slots and copies" and "Header"). The functions are pure.
namespace sesslimit::ledger {

inline constexpr std::size_t copy_size = 2048;
inline constexpr std::size_t copy_head_size = 16;
inline constexpr std::size_t slot_size = 2 * copy_size;
inline constexpr std::uint32_t format_version = 1;
static_assert(copy_head_size + max_payload == copy_size);

/// The highest generation of a copy. The generation counts the updates of a slot. Updates with an odd generation are in
/// the second copy.
inline constexpr std::uint64_t last_generation = (std::uint64_t{1} << 63) - 1;

using CopyBytes = std::span<std::byte, copy_size>;
using ConstCopyBytes = std::span<const std::byte, copy_size>;
using SlotBytes = std::span<std::byte, slot_size>;
using ConstSlotBytes = std::span<const std::byte, slot_size>;

/// One half of a slot, as decoded from its bytes.
struct Copy {
    enum class State : std::uint8_t {
        blank, ///< a copy that was never written
        torn,  ///< a copy that was damaged, or not completely written
        whole,
    };
    State state = State::blank;
    std::uint64_t generation = 0;       ///< 0 unless whole
    std::span<const std::byte> payload; ///< empty unless whole; a view into the copy
};

/// Reads the first (0) or the second (1) copy of a slot.
Copy read_copy(ConstSlotBytes slot, unsigned index) noexcept;

/// The contents of a slot: the payload of its newer whole copy.
struct Slot {
    std::uint64_t generation = 0;       ///< generation of that copy; 0 if no copy is whole
    std::span<const std::byte> payload; ///< a view into the slot; empty: the slot is free
    std::array<bool, 2> torn{};         ///< true for each damaged copy; the payload may then be an earlier one
};

/// Reads a slot. If the slot is in order, only the current copy is checked. The other copy contains outdated data, or
/// an update that did not complete.
Slot read_slot(ConstSlotBytes slot) noexcept;

/// Updates the slot to `generation`, which must be one above the generation of the current copy and at most
/// last_generation. The last bytes of the update are stored last. If the process is killed before them, the update did
/// not happen. `payload` must be at most max_payload bytes long and must not overlap the slot.
void write_slot(SlotBytes slot, std::uint64_t generation, std::span<const std::byte> payload) noexcept;

/// Resets a torn copy, so that read_copy() returns it as blank.
void make_blank(SlotBytes slot, unsigned index) noexcept;

/// The identifier of a boot of this host, from /proc/sys/kernel/random/boot_id.
using BootId = std::array<char, 36>;

/// The header fields that differ between ledgers of this version.
struct Header {
    std::uint64_t slots = 0; ///< number of slots of the file, without the header
    BootId boot{};
};

inline constexpr std::size_t header_payload_size = 60;
/// Encodes a header.
std::array<std::byte, header_payload_size> encode(const Header& header) noexcept;

/// Decodes a header. Fails with a few words for a log if the payload is not a header, or has another version or slot
/// size.
std::expected<Header, std::string_view> decode_header(std::span<const std::byte> payload) noexcept;

} // namespace sesslimit::ledger
