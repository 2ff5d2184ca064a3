// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sesslimit::policy {

/// An IP address. An IPv4 address mapped into IPv6 (RFC 4291, 2.5.5.2) is stored as its IPv4 address.
struct Address {
    enum class Family : std::uint8_t { v4, v6 };
    Family family = Family::v4;
    /// The address in network order. IPv4 uses the first four bytes, and the others are zero.
    std::array<std::uint8_t, 16> bytes{};
    bool operator==(const Address&) const = default;
};

/// A range of addresses with the same first `prefix` bits. The bits of `first` after the prefix are zero.
struct Network {
    Address first;
    std::uint8_t prefix = 0; ///< length in bits: 0 to 32 for IPv4, 0 to 128 for IPv6
    bool operator==(const Network&) const = default;
};

/// Returns the number of bits of an address, 32 or 128.
constexpr std::uint8_t address_bits(Address::Family family) noexcept {
    return family == Address::Family::v4 ? 32 : 128;
}

/// Parses an address in the format of inet_pton(3). An IPv6 scope ("%eth0") is accepted and dropped. Does not allocate.
/// Returns nullopt if the text is not an address.
std::optional<Address> parse_address(std::string_view text) noexcept;

/// Returns the address with all bits after the first `prefix` bits cleared.
Address masked(const Address& address, std::uint8_t prefix) noexcept;

/// Returns true if the address is in the network. Addresses of different families never match.
bool contains(const Network& network, const Address& address) noexcept;

} // namespace sesslimit::policy
