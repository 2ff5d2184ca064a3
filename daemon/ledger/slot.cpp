// SPDX-License-Identifier: MIT
#include "daemon/ledger/slot.hpp"

#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace sesslimit::ledger {
namespace {

constexpr std::array<char, 8> magic{'S', 'E', 'S', 'S', 'L', 'E', 'D', 'G'};

/// Fields of the 16 bytes in front of the payload in each copy of a slot of the ledger file.
struct Head {
    std::uint64_t generation = 0;
    std::uint32_t length = 0;
    std::uint32_t crc = 0;
};
static_assert(sizeof(Head) == copy_head_size && std::has_unique_object_representations_v<Head>);

struct HeaderPayload {
    std::array<char, 8> magic{};
    std::uint32_t version = 0;
    std::uint32_t slot_size = 0;
    std::uint64_t slots = 0;
    BootId boot{};
};

std::uint32_t crc_of(const Head& head, std::span<const std::byte> payload) noexcept {
    const auto add = [](uLong crc, const void* bytes, std::size_t size) {
        return crc32(crc, static_cast<const Bytef*>(bytes), static_cast<uInt>(size));
    };
    const uLong crc = add(0, &head, offsetof(Head, crc));
    return static_cast<std::uint32_t>(payload.empty() ? crc : add(crc, payload.data(), payload.size()));
}

template <class Byte>
std::span<Byte, copy_size> copy_of(std::span<Byte, slot_size> slot, unsigned index) noexcept {
    return index == 0 ? slot.template first<copy_size>() : slot.template last<copy_size>();
}

constexpr unsigned index_of(std::uint64_t generation) noexcept {
    return static_cast<unsigned>(generation % 2);
}

Head read_head(ConstSlotBytes slot, unsigned index) noexcept {
    Head head;
    std::memcpy(&head, copy_of(slot, index).data(), sizeof head);
    return head;
}

Copy read_copy(ConstSlotBytes slot, unsigned index, const Head& head) noexcept {
    if (head.generation == 0 && head.length == 0 && head.crc == 0) {
        return {};
    }
    constexpr Copy torn{.state = Copy::State::torn, .generation = 0, .payload = {}};
    if (head.generation == 0 || head.generation > last_generation || index_of(head.generation) != index ||
        head.length > max_payload) {
        return torn;
    }
    const auto payload = copy_of(slot, index).subspan(copy_head_size, head.length);
    if (crc_of(head, payload) != head.crc) {
        return torn;
    }
    return {.state = Copy::State::whole, .generation = head.generation, .payload = payload};
}

} // namespace

Copy read_copy(ConstSlotBytes slot, unsigned index) noexcept {
    return read_copy(slot, index, read_head(slot, index));
}

Slot read_slot(ConstSlotBytes slot) noexcept {
    const std::array heads{read_head(slot, 0), read_head(slot, 1)};
    const unsigned younger = heads[1].generation > heads[0].generation ? 1 : 0;
    if (heads[younger].generation == heads[1 - younger].generation + 1) {
        const Copy copy = read_copy(slot, younger, heads[younger]);
        if (copy.state == Copy::State::whole) {
            return {.generation = copy.generation, .payload = copy.payload, .torn = {}};
        }
    }
    const std::array copies{read_copy(slot, 0, heads[0]), read_copy(slot, 1, heads[1])};
    const Copy& counts = copies[copies[1].generation > copies[0].generation ? 1 : 0];
    return {.generation = counts.generation,
            .payload = counts.payload,
            .torn = {copies[0].state == Copy::State::torn, copies[1].state == Copy::State::torn}};
}

void write_slot(SlotBytes slot, std::uint64_t generation, std::span<const std::byte> payload) noexcept {
    Head head{.generation = generation, .length = static_cast<std::uint32_t>(payload.size()), .crc = 0};
    head.crc = crc_of(head, payload);
    const CopyBytes copy = copy_of(slot, index_of(generation));
    std::ranges::copy(payload, copy.subspan(copy_head_size).begin());
    // The payload is stored before the 16 bytes in front of it, which mark the payload as valid. Only the order of the
    // two stores matters, because the ledger file is read only by the next daemon process.
    std::atomic_thread_fence(std::memory_order_release);
    std::memcpy(copy.data(), &head, sizeof head);
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

void make_blank(SlotBytes slot, unsigned index) noexcept {
    std::ranges::fill(copy_of(slot, index).first<copy_head_size>(), std::byte{});
}

std::array<std::byte, header_payload_size> encode(const Header& header) noexcept {
    const HeaderPayload payload{.magic = magic,
                                .version = header.version,
                                .slot_size = static_cast<std::uint32_t>(slot_size),
                                .slots = header.slots,
                                .boot = header.boot};
    std::array<std::byte, header_payload_size> bytes{};
    std::memcpy(bytes.data(), &payload, bytes.size());
    return bytes;
}

std::expected<Header, HeaderFault> decode_header(std::span<const std::byte> payload) noexcept {
    HeaderPayload read;
    const auto have = payload.first(std::min(payload.size(), header_payload_size));
    std::ranges::copy(have, std::as_writable_bytes(std::span(&read, 1)).begin());
    if (read.magic != magic) {
        return std::unexpected(HeaderFault{.text = "not a ledger", .version = {}});
    }
    if (read.version == 0 || read.version > format_version) {
        return std::unexpected(HeaderFault{.text = "unsupported format version", .version = read.version});
    }
    if (payload.size() != header_payload_size || read.slot_size != slot_size) {
        return std::unexpected(HeaderFault{.text = "unsupported layout", .version = {}});
    }
    return Header{.version = read.version, .slots = read.slots, .boot = read.boot};
}

} // namespace sesslimit::ledger
