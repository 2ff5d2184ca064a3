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

/// The `match.*` keys of a rule, and functions that match a login against them. Pure.
namespace sesslimit::policy {

/// The values of one key, split into wanted values and values excluded with "!". If both are empty, the key is absent
/// and every login matches it. With exclusions only, every other value matches.
template <class Pattern>
struct Wanted {
    std::vector<Pattern> any;
    std::vector<Pattern> none;
    [[nodiscard]] bool absent() const noexcept { return any.empty() && none.empty(); }
};

/// A user by name. Matches any other name with the same uid, too.
struct UserPattern {
    std::string name;
    std::optional<uid_t> uid; ///< absent if the name did not exist when the policy was loaded
};

/// A range of user IDs.
struct UidRange {
    uid_t first = 0;
    uid_t last = 0; ///< inclusive
};

/// A group by name.
struct GroupPattern {
    std::string name;
    /// Absent if the group did not exist when the policy was loaded; such a pattern never matches.
    std::optional<gid_t> gid;
};

/// A login without a remote host.
struct LocalOrigin {};

/// A remote host by the name in PAM_RHOST. Case and a final dot are ignored.
struct HostPattern {
    std::string name;   ///< lower case, without a final dot; "example.org" if the policy has "*.example.org"
    bool below = false; ///< matches the hosts below that domain, and not the domain itself
};

using OriginPattern = std::variant<LocalOrigin, Network, HostPattern>;

/// A pattern for a credential, which is a key, a certificate or a certificate authority.
struct CredentialPattern {
    enum class Kind : std::uint8_t {
        key,            ///< written "SHA256:...": this key, either plain or in a certificate
        certificate_id, ///< written "cert-id:ID": certificates with this key ID
        authority,      ///< written "ca:SHA256:...": certificates signed by this CA key
    };
    Kind kind = Kind::key;
    std::string text; ///< the fingerprint or the ID, without its prefix
    bool operator==(const CredentialPattern&) const = default;
};

/// Parses a credential pattern. The forms are "SHA256:" and 43 characters of base64, "ca:" and the same, and "cert-id:"
/// and 1 to max_certificate_id_length bytes without NUL. Returns nullopt for any other text.
std::optional<CredentialPattern> parse_credential(std::string_view text);

/// Returns true if the pattern matches the credential. An unknown credential never matches.
bool is_meant(const CredentialPattern& pattern, const Credential& credential) noexcept;

/// The `match` table of a rule. A login must match every key.
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

/// The origin of a login, computed once and used for every rule. Lifetime: `host` is a view into the login's `rhost`.
struct Origin {
    bool local = false;
    std::optional<Address> address; ///< of rhost; if that is a name, of the client in SSH_CONNECTION
    std::string_view host;          ///< rhost if it is a name, without a final dot; else empty
};
/// Returns the origin of a login.
Origin origin_of(const Login& login) noexcept;

/// Returns true if the login matches every key of `match`. `origin` is origin_of(login). Does not allocate.
bool matches(const Match& match, const Login& login, const Origin& origin);

} // namespace sesslimit::policy
