// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sesslimit::policy {

/// An IP address. An IPv4 address mapped into IPv6 (RFC 4291, 2.5.5.2) is its IPv4 address.
struct Address {
    enum class Family : std::uint8_t { v4, v6 };
    Family family = Family::v4;
    std::array<std::uint8_t, 16> bytes{}; ///< network order; IPv4 uses the first four, the rest is zero
    bool operator==(const Address&) const = default;
};

/// Addresses that share their first `prefix` bits. `first` has no bit set behind them.
struct Network {
    Address first;
    std::uint8_t prefix = 0; ///< 0 to 32, or to 128
    bool operator==(const Network&) const = default;
};

constexpr std::uint8_t address_bits(Address::Family family) noexcept {
    return family == Address::Family::v4 ? 32 : 128;
}

/// An address as inet_pton(3) takes it, with or without an IPv6 scope ("%eth0"), which is dropped. Allocates nothing.
std::optional<Address> parse_address(std::string_view text) noexcept;

/// The address with every bit behind the first `prefix` ones cleared.
Address masked(const Address& address, std::uint8_t prefix) noexcept;

bool contains(const Network& network, const Address& address) noexcept;

} // namespace sesslimit::policy
