// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/address.hpp"
#include "daemon/policy/login.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The `match.*` keys of a rule, and whether a login is one that they mean. Pure.
namespace sesslimit::policy {

/// The values of one key: those that are looked for, and those that were written with "!". Both empty: the key is not
/// there, and everything matches it. Only exclusions: everything else matches.
template <class Pattern>
struct Wanted {
    std::vector<Pattern> any;
    std::vector<Pattern> none;
    [[nodiscard]] bool absent() const noexcept { return any.empty() && none.empty(); }
};

/// A user by name, or under any other name of the same uid.
struct UserPattern {
    std::string name;
    std::optional<uid_t> uid; ///< absent where nobody had that name when the policy was loaded
};

struct UidRange {
    uid_t first = 0;
    uid_t last = 0; ///< included
};

struct GroupPattern {
    std::string name;
    std::optional<gid_t> gid; ///< absent where no group had that name when the policy was loaded: it matches nobody
};

/// A login without a remote host.
struct LocalOrigin {};

/// A remote host by the name that PAM_RHOST has; letter case and a closing dot mean nothing.
struct HostPattern {
    std::string name;   ///< lower case, without a closing dot; "example.org" where "*.example.org" was written
    bool below = false; ///< the hosts below that domain, and not the domain itself
};

using OriginPattern = std::variant<LocalOrigin, Network, HostPattern>;

/// One way to name a credential: a key, or whatever a certificate authority signed.
struct CredentialPattern {
    enum class Kind : std::uint8_t {
        key,            ///< written "SHA256:...": this key, be it plain or in a certificate
        certificate_id, ///< written "cert-id:ID": certificates with this key id
        authority,      ///< written "ca:SHA256:...": certificates that this CA's key signed
    };
    Kind kind = Kind::key;
    std::string text; ///< the fingerprint or the id, without what stands before it
    bool operator==(const CredentialPattern&) const = default;
};

/// "SHA256:" and 43 characters of base64, "ca:" and the same, or "cert-id:" and 1 to max_certificate_id_length bytes,
/// none of them NUL.
std::optional<CredentialPattern> parse_credential(std::string_view text);

/// Whether it is the credential that is meant. One that is not known is never meant.
bool is_meant(const CredentialPattern& pattern, const Credential& credential) noexcept;

struct Match {
    Wanted<UserPattern> user;
    Wanted<UidRange> uid;
    Wanted<GroupPattern> group;
    Wanted<std::string> service;
    Wanted<OriginPattern> origin;
    Wanted<std::string> seat;
    Wanted<std::string> method;
    Wanted<CredentialPattern> credential;
};

/// Where a login came from, read once and asked by every rule. Its view is that of the login's `rhost`.
struct Origin {
    bool local = false;
    std::optional<Address> address; ///< of rhost; where that is a name, of the client in SSH_CONNECTION
    std::string_view host;          ///< rhost where it is a name, without a closing dot; else empty
};
Origin origin_of(const Login& login) noexcept;

/// Whether every key of `match` fits the login. `origin` is origin_of(login). Allocates nothing.
bool matches(const Match& match, const Login& login, const Origin& origin);

} // namespace sesslimit::policy
