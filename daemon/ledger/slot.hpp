// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/ledger/codec.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

/// The bytes of the ledger's file: docs/ledger.md, "Slots and copies" and "Header". Pure.
namespace sesslimit::ledger {

inline constexpr std::size_t copy_size = 2048;
inline constexpr std::size_t copy_head_size = 16;
inline constexpr std::size_t slot_size = 2 * copy_size;
inline constexpr std::uint32_t format_version = 1;
static_assert(copy_head_size + max_payload == copy_size);

/// Generations that a copy can have: it counts the updates of its slot. Odd ones are in the second copy.
inline constexpr std::uint64_t last_generation = (std::uint64_t{1} << 63) - 1;

using CopyBytes = std::span<std::byte, copy_size>;
using ConstCopyBytes = std::span<const std::byte, copy_size>;
using SlotBytes = std::span<std::byte, slot_size>;
using ConstSlotBytes = std::span<const std::byte, slot_size>;

/// One half of a slot, as its bytes are.
struct Copy {
    enum class State : std::uint8_t {
        blank, ///< never written
        torn,  ///< not as it was written, or not written to its end
        whole,
    };
    State state = State::blank;
    std::uint64_t generation = 0;       ///< 0 unless whole
    std::span<const std::byte> payload; ///< empty unless whole; a view into the copy
};

/// Reads the first (0) or the second (1) copy of a slot.
Copy read_copy(ConstSlotBytes slot, unsigned index) noexcept;

/// What a slot holds: the payload of its younger whole copy.
struct Slot {
    std::uint64_t generation = 0;       ///< of that copy; 0 where no copy is whole
    std::span<const std::byte> payload; ///< a view into the slot; empty: it is free
    std::array<bool, 2> torn{};         ///< copies that something happened to: the payload may not be the last one
};

/// Reads a slot. Where all is as it should be only the copy that counts is checked: what stands in the other one was
/// to be overwritten, or is an update that did not come to its end.
Slot read_slot(ConstSlotBytes slot) noexcept;

/// Updates the slot to `generation`, which is the one after that of the copy that counts and at most last_generation.
/// The last bytes of the update are stored last: killed anywhere before them, it did not happen.
/// `payload` is at most max_payload and does not overlap the slot.
void write_slot(SlotBytes slot, std::uint64_t generation, std::span<const std::byte> payload) noexcept;

/// Makes a torn copy one that was never written.
void make_blank(SlotBytes slot, unsigned index) noexcept;

/// One boot of this host, as /proc/sys/kernel/random/boot_id names it.
using BootId = std::array<char, 36>;

/// What the header says besides what every ledger of this version has in common.
struct Header {
    std::uint64_t slots = 0; ///< that the file has had, the header not counted
    BootId boot{};
};

inline constexpr std::size_t header_payload_size = 60;
std::array<std::byte, header_payload_size> encode(const Header& header) noexcept;

/// Fails, in a few words for a log, on what is no header, and on one of another version or slot size.
std::expected<Header, std::string_view> decode_header(std::span<const std::byte> payload) noexcept;

} // namespace sesslimit::ledger
