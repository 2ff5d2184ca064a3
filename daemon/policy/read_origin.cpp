// SPDX-License-Identifier: MIT
#include "daemon/policy/read.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace sesslimit::policy {
namespace {

std::string to_text(const Network& network) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = network.first.family == Address::Family::v4 ? AF_INET : AF_INET6;
    inet_ntop(family, network.first.bytes.data(), text.data(), text.size());
    return std::string(text.data()) + '/' + std::to_string(network.prefix);
}

std::expected<OriginPattern, std::string> read_network(std::string_view text, std::size_t slash) {
    const std::string_view written = text.substr(0, slash);
    const std::string_view digits = text.substr(slash + 1);
    const auto address = parse_address(written);
    if (!address) {
        return std::unexpected(
            in_quotes(written) +
            " before the slash is not a valid address; write a network such as \"10.0.0.0/8\" or \"2001:db8::/32\"");
    }
    // An IPv4 network may be written with an IPv4-mapped IPv6 address. "::ffff:10.0.0.0/104" is the same as
    // "10.0.0.0/8", because 96 bits precede the IPv4 address.
    const unsigned mapped = address->family == Address::Family::v4 && written.find(':') != written.npos ? 96 : 0;
    const unsigned most = address_bits(address->family) + mapped;
    unsigned prefix = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (digits.empty() || failed != std::errc() || end != digits.data() + digits.size() || prefix > most ||
        prefix < mapped) {
        return std::unexpected(in_quotes(digits) + " is not a valid prefix length; write a number from " +
                               std::to_string(mapped) + " to " + std::to_string(most));
    }
    const auto length = static_cast<std::uint8_t>(prefix - mapped);
    const Network network{masked(*address, length), length};
    if (network.first != *address) {
        return std::unexpected(in_quotes(text) + " has bits set beyond its prefix length; write \"" + to_text(network) +
                               "\" for the network, or the address without a prefix length");
    }
    return network;
}

std::expected<OriginPattern, std::string> read_host(std::string_view text) {
    constexpr std::size_t max_host_length = 253; // RFC 1035
    HostPattern pattern;
    std::string_view name = text;
    if (name.starts_with("*.")) {
        pattern.below = true;
        name.remove_prefix(2);
    }
    if (name.ends_with('.')) {
        name.remove_suffix(1);
    }
    for (const char c : name) {
        const bool upper = c >= 'A' && c <= 'Z';
        const bool fits = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!fits) {
            return std::unexpected(in_quotes(text) + " is not a valid host name; write a name, "
                                                     "\"*.example.org\" for all hosts below a domain, an address, "
                                                     "a network such as \"10.0.0.0/8\", \"local\" or \"unix\"");
        }
        pattern.name += upper ? static_cast<char>(c - 'A' + 'a') : c;
    }
    if (name.empty() || name.size() > max_host_length || name.starts_with('.') || name.find("..") != name.npos) {
        return std::unexpected(in_quotes(text) +
                               " is not a valid host name: it is too long, or a part between its dots is empty");
    }
    return pattern;
}

} // namespace

std::expected<OriginPattern, std::string> read_origin(std::string_view text) {
    if (text == "local") {
        return LocalOrigin{};
    }
    if (text == unix_origin) {
        return UnixOrigin{};
    }
    if (const std::size_t slash = text.find('/'); slash != text.npos) {
        return read_network(text, slash);
    }
    if (const auto address = parse_address(text)) {
        return Network{*address, address_bits(address->family)};
    }
    if (text.find(':') != text.npos || text.find_first_not_of("0123456789.") == text.npos) {
        return std::unexpected(in_quotes(text) +
                               " is not a valid address; write one such as \"192.0.2.7\" or \"2001:db8::7\"");
    }
    return read_host(text);
}

} // namespace sesslimit::policy
