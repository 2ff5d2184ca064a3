// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sesslimit::policy {

/// An IP address. An IPv4-mapped IPv6 address such as ::ffff:192.0.2.7 (RFC 4291, 2.5.5.2) is stored as IPv4.
struct Address {
    enum class Family : std::uint8_t { v4, v6 };
    Family family = Family::v4;
    /// The bytes of the address in network order. An IPv4 address uses the first four bytes, and the other 12 are zero.
    std::array<std::uint8_t, 16> bytes{};
    bool operator==(const Address&) const = default;
};

/// A range of IP addresses in CIDR form, such as 10.0.0.0/8. `first` is the lowest address of the range, in which all
/// bits after the first `prefix` bits are zero.
struct Network {
    Address first;
    std::uint8_t prefix = 0; ///< prefix length in bits, 0 to 32 for IPv4 and 0 to 128 for IPv6
    bool operator==(const Network&) const = default;
};

/// Returns the number of bits of an IP address, which is 32 for IPv4 and 128 for IPv6.
constexpr std::uint8_t address_bits(Address::Family family) noexcept {
    return family == Address::Family::v4 ? 32 : 128;
}

/// Parses an IP address in the format of inet_pton(3). A zone at the end of an IPv6 address, such as "%eth0", is
/// accepted and dropped. Does not allocate. Returns nullopt if the text is not a valid IP address.
std::optional<Address> parse_address(std::string_view text) noexcept;

/// Returns a copy of the IP address in which all bits after the first `prefix` bits are zero.
Address masked(const Address& address, std::uint8_t prefix) noexcept;

/// Returns true if the address is in the network. An IPv4 address is never in an IPv6 network, and vice versa.
bool contains(const Network& network, const Address& address) noexcept;

} // namespace sesslimit::policy
