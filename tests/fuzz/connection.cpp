// SPDX-License-Identifier: MIT
// sshd's SSH_CONNECTION, and addresses as in PAM_RHOST or a policy.
#include "daemon/inspect/tcp_activity.hpp"
#include "daemon/policy/address.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <arpa/inet.h>

namespace sesslimit::fuzz {
namespace {

std::string text_of_address(const policy::Address& address) {
    char text[INET6_ADDRSTRLEN] = "";
    const bool is_v4 = address.family == policy::Address::Family::v4;
    must(::inet_ntop(is_v4 ? AF_INET : AF_INET6, address.bytes.data(), text, sizeof text) != nullptr, "an address");
    return text;
}

/// Formats the address; a link-local address includes its interface.
std::string with_interface(const policy::Address& address, const std::string& interface) {
    const std::string text = text_of_address(address);
    const bool link_local =
        address.family == policy::Address::Family::v6 && address.bytes[0] == 0xFE && (address.bytes[1] & 0xC0U) == 0x80;
    return link_local && !interface.empty() ? text + '%' + interface : text;
}

std::string written(const inspect::Ends& ends) {
    return with_interface(ends.client, ends.interface) + ' ' + std::to_string(ends.client_port) + ' ' +
           with_interface(ends.server, ends.interface) + ' ' + std::to_string(ends.server_port);
}

void is_an_address(std::string_view text) {
    const auto address = policy::parse_address(text);
    if (!address) {
        return;
    }
    must(policy::parse_address(text_of_address(*address)) == address, "a formatted address parses back");
    const std::uint8_t bits = policy::address_bits(address->family);
    for (std::uint8_t prefix = 0; prefix <= bits; ++prefix) {
        const policy::Network network{policy::masked(*address, prefix), prefix};
        must(policy::contains(network, *address), "an address is in its networks");
        must(policy::masked(network.first, prefix) == network.first, "a network has only zero bits after its prefix");
    }
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    const std::string_view text = text_of(bytes);
    if (const auto ends = inspect::parse_ssh_connection(text)) {
        must(ends->client.family == ends->server.family, "both ends have the same family");
        must(ends->client_port != 0 && ends->server_port != 0, "both have a port");
        must(inspect::parse_ssh_connection(written(*ends)) == ends, "a formatted connection parses back");
    }
    is_an_address(text);
}

} // namespace sesslimit::fuzz
