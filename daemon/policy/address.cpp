// SPDX-License-Identifier: MIT
#include "daemon/policy/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>

namespace sesslimit::policy {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_v4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

Address unmapped(const Address& address) noexcept {
    if (!std::equal(mapped_v4.begin(), mapped_v4.end(), address.bytes.begin())) {
        return address;
    }
    Address v4;
    std::copy(address.bytes.begin() + mapped_v4.size(), address.bytes.end(), v4.bytes.begin());
    return v4;
}

} // namespace

std::optional<Address> parse_address(std::string_view text) noexcept {
    if (text.find(':') != text.npos) {
        text = text.substr(0, text.find('%'));
    }
    // inet_pton(3) ignores all bytes after the first NUL. A text that contains a NUL is therefore rejected.
    std::array<char, INET6_ADDRSTRLEN> closed{};
    if (text.size() >= closed.size() || text.find('\0') != text.npos) {
        return std::nullopt;
    }
    std::copy(text.begin(), text.end(), closed.begin());
    Address address;
    if (inet_pton(AF_INET, closed.data(), address.bytes.data()) == 1) {
        return address;
    }
    address.family = Address::Family::v6;
    if (inet_pton(AF_INET6, closed.data(), address.bytes.data()) == 1) {
        return unmapped(address);
    }
    return std::nullopt;
}

Address masked(const Address& address, std::uint8_t prefix) noexcept {
    Address first = address;
    for (std::size_t i = 0; i < first.bytes.size(); ++i) {
        const std::size_t bits_before = i * 8;
        const std::size_t kept = prefix > bits_before ? std::min<std::size_t>(prefix - bits_before, 8) : 0;
        first.bytes[i] = static_cast<std::uint8_t>(first.bytes[i] & (0xFF00u >> kept));
    }
    return first;
}

bool contains(const Network& network, const Address& address) noexcept {
    return masked(address, network.prefix) == network.first; // IPv4 never equals IPv6
}

} // namespace sesslimit::policy
