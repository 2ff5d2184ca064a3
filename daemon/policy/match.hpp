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

/// The `match.*` keys of a rule, and functions that match a login against these keys. The functions are pure.
namespace sesslimit::policy {

/// The values of one key, split into wanted values and values excluded with "!". If both lists are empty, the key is
/// absent and every login matches. If only excluded values exist, every other value matches.
template <class Pattern>
struct Wanted {
    std::vector<Pattern> any;
    std::vector<Pattern> none;
    [[nodiscard]] bool absent() const noexcept { return any.empty() && none.empty(); }
};

/// A user by name. Also matches any other name with the same uid.
struct UserPattern {
    std::string name;
    std::optional<uid_t> uid; ///< user ID; absent if the name did not exist when the policy was loaded
};

/// A range of user IDs.
struct UidRange {
    uid_t first = 0;
    uid_t last = 0; ///< inclusive
};

/// A group by name.
struct GroupPattern {
    std::string name;
    /// The group ID. Absent if the group did not exist when the policy was loaded. Such a pattern never matches.
    std::optional<gid_t> gid;
};

/// A login without a remote host.
struct LocalOrigin {};

/// A remote host by the name in PAM_RHOST. Case and a final dot are ignored.
struct HostPattern {
    std::string name;   ///< name in lower case, without a final dot; "example.org" if the policy has "*.example.org"
    bool below = false; ///< true if the pattern matches the hosts below the domain, and not the domain itself
};

using OriginPattern = std::variant<LocalOrigin, Network, HostPattern>;

/// A pattern for a credential, which is a key, a certificate or a certificate authority.
struct CredentialPattern {
    enum class Kind : std::uint8_t {
        key,            ///< "SHA256:...": this key, either plain or in a certificate
        certificate_id, ///< "cert-id:ID": certificates with this key ID
        authority,      ///< "ca:SHA256:...": certificates signed by this CA key
    };
    Kind kind = Kind::key;
    std::string text; ///< the fingerprint or the ID, without its prefix
    bool operator==(const CredentialPattern&) const = default;
};

/// Parses a credential pattern. The first form is "SHA256:" and 43 characters of base64. The second form is "ca:"
/// before the first form. The third form is "cert-id:" and 1 to max_certificate_id_length bytes without NUL. Returns
/// nullopt for any other text.
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
    std::optional<Address> address; ///< address in rhost; if rhost is a name, address of the client in SSH_CONNECTION
    std::string_view host;          ///< host name in rhost, without a final dot; empty if rhost is not a name
};
/// Returns the origin of a login.
Origin origin_of(const Login& login) noexcept;

/// Returns true if the login matches every key of `match`. `origin` is origin_of(login). Does not allocate.
bool matches(const Match& match, const Login& login, const Origin& origin);

} // namespace sesslimit::policy
