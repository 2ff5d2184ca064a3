// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/ledger/codec.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

/// Layout of the ledger file as bytes (docs/ledger.md, "Slots and copies" and "Header"). The functions access only
/// their arguments.
namespace sesslimit::ledger {

inline constexpr std::size_t copy_size = 2048;
inline constexpr std::size_t copy_head_size = 16;
inline constexpr std::size_t slot_size = 2 * copy_size;
/// Version of the format that the daemon writes. A ledger of an earlier version, 1 or later, is read and converted.
inline constexpr std::uint32_t format_version = 3;
static_assert(copy_head_size + max_payload == copy_size);

/// Highest generation (number of updates) of a slot of the ledger file. A slot has two copies. Updates with an even
/// generation are written to the first copy, updates with an odd generation to the second.
inline constexpr std::uint64_t last_generation = (std::uint64_t{1} << 63) - 1;

using CopyBytes = std::span<std::byte, copy_size>;
using ConstCopyBytes = std::span<const std::byte, copy_size>;
using SlotBytes = std::span<std::byte, slot_size>;
using ConstSlotBytes = std::span<const std::byte, slot_size>;

/// One of the two copies in a slot of the ledger file, as decoded from its bytes.
struct Copy {
    enum class State : std::uint8_t {
        /// The copy of the slot was never written.
        blank,
        /// The copy of the slot is damaged, or was not completely written.
        torn,
        whole,
    };
    State state = State::blank;
    /// Generation (update number) of the copy; 0 if the copy is blank or damaged.
    std::uint64_t generation = 0;
    /// View of the payload within the copy. Empty if the copy is blank or damaged.
    std::span<const std::byte> payload;
};

/// Decodes the first copy (`index` 0) or the second copy (`index` 1) of a slot of the ledger file.
Copy read_copy(ConstSlotBytes slot, unsigned index) noexcept;

/// Contents of a slot of the ledger file. A slot consists of two copies, and its contents are the payload of the newer
/// undamaged copy.
struct Slot {
    /// Generation (update number) of the copy that contains the payload; 0 if both copies are blank or damaged.
    std::uint64_t generation = 0;
    /// View of the payload within the slot. Empty if the slot is free.
    std::span<const std::byte> payload;
    /// True for each damaged copy of the slot. The payload may then be that of an earlier update.
    std::array<bool, 2> torn{};
};

/// Reads a slot of the ledger file, which has two copies. The older copy is not checked for damage if the newer copy is
/// undamaged and their generations (update numbers) are consecutive.
Slot read_slot(ConstSlotBytes slot) noexcept;

/// Writes `payload` to a slot of the ledger file, as the update with the number `generation`. This number must be one
/// above that of the current copy, and at most last_generation. If the process is killed before the function returns,
/// the slot contains either the old or the new payload. `payload` must be at most max_payload bytes long and must not
/// overlap the slot.
void write_slot(SlotBytes slot, std::uint64_t generation, std::span<const std::byte> payload) noexcept;

/// Clears a copy of a slot of the ledger file, so that read_copy() returns the copy as never written (blank).
void make_blank(SlotBytes slot, unsigned index) noexcept;

/// Identifier of a boot of this host, from /proc/sys/kernel/random/boot_id.
using BootId = std::array<char, 36>;

/// Fields of the ledger file's header that can differ between files.
struct Header {
    std::uint32_t version = format_version;
    /// Number of slots of the ledger file. The header is not counted.
    std::uint64_t slots = 0;
    BootId boot{};
};

inline constexpr std::size_t header_payload_size = 60;
/// Encodes a header.
std::array<std::byte, header_payload_size> encode(const Header& header) noexcept;

/// Reason why a header was rejected.
struct HeaderFault {
    std::string_view text; ///< for a log
    /// Format version of the ledger if it is not supported.
    std::optional<std::uint32_t> version;
};

/// Decodes the header of a ledger file. Fails if `payload` is not a header, or has an unsupported format version or
/// slot size.
std::expected<Header, HeaderFault> decode_header(std::span<const std::byte> payload) noexcept;

} // namespace sesslimit::ledger
