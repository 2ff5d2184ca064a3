// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

/// Sizes of SSH packets on the wire, by which keepalives and window adjustments are recognized without decryption.
namespace sesslimit::core::ssh_packet {

/// Size of the fields before the data in a message with channel data: type, channel, length (RFC 4254, section 5.2).
inline constexpr std::uint32_t data_header = 1 + 4 + 4;

/// Format of SSH packets: size of a block and of the MAC or tag in bytes (RFC 4253, section 6).
struct PacketFormat {
    std::uint32_t block;
    std::uint32_t tag;
    /// True if the length is not part of the encrypted blocks (AEAD ciphers, and MACs with "-etm").
    bool is_length_separate;

    [[nodiscard]] constexpr std::uint32_t size(std::uint32_t payload) const {
        constexpr std::uint32_t length = 4;
        constexpr std::uint32_t padding = 1 + 4; // its length, and at least four bytes
        const std::uint32_t encrypted = payload + padding + (is_length_separate ? 0 : length);
        return (is_length_separate ? length : 0) + (encrypted + block - 1) / block * block + tag;
    }

    /// Returns true if packets with at least one byte of channel data can have this size.
    [[nodiscard]] constexpr bool is_data(std::uint32_t of) const {
        const std::uint32_t smallest = size(data_header + 1);
        return of >= smallest && (of - smallest) % block == 0;
    }
};

/// Formats of the ciphers and MACs of OpenSSH: chacha20-poly1305, AES-GCM and umac-128-etm; then with AES in CTR mode
/// the MACs umac-64, hmac-sha1, hmac-sha2-256 and hmac-sha2-512, with and without "-etm", and umac-128.
inline constexpr std::array<PacketFormat, 11> formats{{{8, 16, true},
                                                       {16, 16, true},
                                                       {16, 8, true},
                                                       {16, 20, true},
                                                       {16, 32, true},
                                                       {16, 64, true},
                                                       {16, 8, false},
                                                       {16, 20, false},
                                                       {16, 32, false},
                                                       {16, 64, false},
                                                       {16, 16, false}}};

/// Payload of a window adjustment (RFC 4254, section 5.2).
inline constexpr std::uint32_t adjustment_payload = 1 + 4 + 4;

/// Payload of a keepalive and of its answer. The client sends a global request (client_global_request in
/// clientloop.c), and the server a channel request if a channel is open (client_alive_check in serverloop.c).
inline constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 2> keepalive_payloads{{{27, 1}, {31, 5}}};

/// Returns true if messages of the sizes `one` and `other` can be keepalives and their answers.
constexpr bool are_keepalives(std::uint32_t one, std::uint32_t other) {
    return std::ranges::any_of(formats, [=](const PacketFormat& format) {
        return std::ranges::any_of(keepalive_payloads, [=](const auto& payloads) {
            return format.size(payloads.first) == std::max(one, other) &&
                   format.size(payloads.second) == std::min(one, other);
        });
    });
}

/// Returns true if a message of this size can be a keepalive or its answer.
constexpr bool is_keepalive(std::uint64_t of) {
    return std::ranges::any_of(formats, [=](const PacketFormat& format) {
        return std::ranges::any_of(keepalive_payloads, [=](const auto& payloads) {
            return format.size(payloads.first) == of || format.size(payloads.second) == of;
        });
    });
}

/// Returns true if messages of the sizes `one` and `other` can contain channel data of one connection.
constexpr bool are_data(std::uint32_t one, std::uint32_t other) {
    return std::ranges::any_of(
        formats, [=](const PacketFormat& format) { return format.is_data(one) && format.is_data(other); });
}

/// Returns true if a message of this size can be a window adjustment.
constexpr bool is_adjustment(std::uint64_t size) {
    return std::ranges::any_of(formats,
                               [=](const PacketFormat& format) { return format.size(adjustment_payload) == size; });
}

static_assert(are_keepalives(52, 28) && !are_data(52, 28), "chacha20-poly1305");
static_assert(are_keepalives(52, 36) && are_data(52, 36), "AES-GCM, a cursor key and its echo");

} // namespace sesslimit::core::ssh_packet
