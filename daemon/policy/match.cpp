// SPDX-License-Identifier: MIT
#include "daemon/policy/match.hpp"

#include <algorithm>
#include <array>

namespace sesslimit::policy {
namespace {

/// Converts an ASCII letter to lower case. Does not use tolower(3), whose result depends on the daemon's locale.
constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_host(std::string_view host, std::string_view lower_name) noexcept {
    return std::equal(host.begin(), host.end(), lower_name.begin(), lower_name.end(),
                      [](char a, char b) { return lower(a) == b; });
}

/// Returns true if the host name is below the domain, such as "a.example.org" below "example.org". `lower_domain` must
/// be in lower case.
bool is_below(std::string_view host, std::string_view lower_domain) noexcept {
    if (host.size() < lower_domain.size() + 2) {
        return false;
    }
    const std::string_view end = host.substr(host.size() - lower_domain.size());
    return host[host.size() - lower_domain.size() - 1] == '.' && same_host(end, lower_domain);
}

struct OriginFits {
    const Origin& origin;
    bool operator()(const LocalOrigin&) const noexcept { return origin.local; }
    bool operator()(const UnixOrigin&) const noexcept { return origin.unix_socket; }
    bool operator()(const Network& network) const noexcept {
        return origin.address && contains(network, *origin.address);
    }
    bool operator()(const HostPattern& pattern) const noexcept {
        return pattern.below ? is_below(origin.host, pattern.name)
                             : !origin.host.empty() && same_host(origin.host, pattern.name);
    }
};

template <class Pattern, class Fits>
bool fits(const Wanted<Pattern>& wanted, Fits one) {
    return (wanted.any.empty() || std::any_of(wanted.any.begin(), wanted.any.end(), one)) &&
           std::none_of(wanted.none.begin(), wanted.none.end(), one);
}

bool fits_text(const Wanted<std::string>& wanted, std::string_view text) {
    return fits(wanted, [text](const std::string& one) { return one == text; });
}

bool is_fingerprint(std::string_view text) noexcept {
    constexpr std::string_view prefix = "SHA256:";
    constexpr std::size_t digits = 43; // 32 bytes in unpadded base64
    return text.starts_with(prefix) && text.size() == prefix.size() + digits &&
           std::all_of(text.begin() + prefix.size(), text.end(), [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
                      c == '/';
           });
}

} // namespace

std::optional<CredentialPattern> parse_credential(std::string_view text) {
    if (text.starts_with(certificate_id_prefix)) {
        text.remove_prefix(certificate_id_prefix.size());
        const bool possible =
            !text.empty() && text.size() <= max_certificate_id_length && text.find('\0') == std::string_view::npos;
        return possible ? std::optional(CredentialPattern{CredentialPattern::Kind::certificate_id, std::string(text)})
                        : std::nullopt;
    }
    auto kind = CredentialPattern::Kind::key;
    if (text.starts_with(authority_prefix)) {
        text.remove_prefix(authority_prefix.size());
        kind = CredentialPattern::Kind::authority;
    }
    return is_fingerprint(text) ? std::optional(CredentialPattern{kind, std::string(text)}) : std::nullopt;
}

bool is_meant(const CredentialPattern& pattern, const Credential& credential) noexcept {
    switch (pattern.kind) {
    case CredentialPattern::Kind::key:
        return pattern.text == credential.fingerprint;
    case CredentialPattern::Kind::certificate_id:
        return pattern.text == credential.certificate_id;
    case CredentialPattern::Kind::authority:
        return pattern.text == credential.ca;
    }
    return false;
}

bool is_ip_connection(std::string_view connection) noexcept {
    std::array<std::string_view, 4> words;
    for (std::string_view& word : words) {
        const std::size_t end = std::min(connection.find(' '), connection.size());
        word = connection.substr(0, end);
        connection.remove_prefix(std::min(end + 1, connection.size()));
    }
    return connection.empty() && !words[3].empty() && parse_address(words[0]) && parse_address(words[2]);
}

Origin origin_of(const Login& login) noexcept {
    Origin origin;
    std::string_view rhost = login.rhost;
    if (rhost.empty()) {
        origin.local = true;
        return origin;
    }
    if (rhost == unix_origin && !is_ip_connection(login.connection)) {
        origin.unix_socket = true;
        return origin;
    }
    origin.address = parse_address(rhost);
    if (origin.address) {
        return origin;
    }
    // With UseDNS, sshd sets PAM_RHOST to a host name instead of an address. The address of the client is then read
    // from SSH_CONNECTION, which sshd sets itself.
    const std::string_view connection = login.connection;
    origin.address = parse_address(connection.substr(0, connection.find(' ')));
    if (rhost.back() == '.') {
        rhost.remove_suffix(1);
    }
    origin.host = rhost;
    return origin;
}

bool matches(const Match& match, const Login& login, const Origin& origin) {
    const auto user_fits = [&](const UserPattern& one) {
        return one.name == login.user || (one.uid && *one.uid == login.uid);
    };
    const auto uid_fits = [&](const UidRange& one) { return one.first <= login.uid && login.uid <= one.last; };
    const auto group_fits = [&](const GroupPattern& one) {
        return one.gid && std::binary_search(login.gids.begin(), login.gids.end(), *one.gid);
    };
    const auto credential_fits = [&](const CredentialPattern& one) { return is_meant(one, login.credential); };
    const auto origin_fits = [&](const OriginPattern& one) { return std::visit(OriginFits{origin}, one); };
    return fits(match.user, user_fits) && fits(match.uid, uid_fits) && fits(match.group, group_fits) &&
           fits(match.origin, origin_fits) && fits_text(match.service, login.service) &&
           fits_text(match.seat, login.seat) && fits_text(match.method, login.credential.method) &&
           fits(match.credential, credential_fits);
}

} // namespace sesslimit::policy
