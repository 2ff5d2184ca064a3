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

/// The `match.*` keys of a policy rule, which select the logins to which the rule applies, and the functions that
/// evaluate these keys. The functions are pure.
namespace sesslimit::policy {

/// The values of one `match.*` key of a policy rule. `none` contains the values that the policy file excludes with a
/// leading "!", and `any` the other values. A login matches if it has one of the values in `any` and none of the values
/// in `none`. If `any` is empty, only `none` is checked. If both lists are empty, the key is absent and every login
/// matches.
template <class Pattern>
struct Wanted {
    std::vector<Pattern> any;
    std::vector<Pattern> none;
    [[nodiscard]] bool absent() const noexcept { return any.empty() && none.empty(); }
};

/// A user name in match.user. It matches logins with this user name, and logins under another name with the same user
/// ID.
struct UserPattern {
    std::string name;
    std::optional<uid_t> uid; ///< ID of the user; absent if the user did not exist when the policy was loaded
};

/// A range of user IDs.
struct UidRange {
    uid_t first = 0;
    uid_t last = 0; ///< inclusive
};

/// A group name in match.group.
struct GroupPattern {
    std::string name;
    /// The ID of the group. Absent if the group did not exist when the policy was loaded. Without an ID, the group name
    /// does not match any login.
    std::optional<gid_t> gid;
};

/// The value "local" of match.origin. It matches logins without a remote host.
struct LocalOrigin {};

/// The value "unix" of match.origin. It matches ssh logins whose connection does not use IP (unix_origin).
struct UnixOrigin {};

/// A host name in match.origin. It is compared with the name in PAM_RHOST, ignoring case and a final dot.
struct HostPattern {
    /// The host name in lower case, without a final dot. For "*.example.org" in the policy, it is "example.org".
    std::string name;
    /// True for "*.example.org" in the policy, which matches all hosts below the domain, but not the domain itself.
    bool below = false;
};

using OriginPattern = std::variant<LocalOrigin, UnixOrigin, Network, HostPattern>;

/// A value of match.credential, which names an SSH key, an SSH certificate or a certificate authority.
struct CredentialPattern {
    enum class Kind : std::uint8_t {
        /// The value "SHA256:..." of match.credential. Matches logins with the SSH key that has this fingerprint, as a
        /// plain key or in a certificate.
        key,
        /// The value "cert-id:ID" of match.credential. Matches logins with a certificate whose key ID is ID.
        certificate_id,
        /// The value "ca:SHA256:..." of match.credential. Matches logins with a certificate that was signed by the CA
        /// key of this fingerprint.
        authority,
    };
    Kind kind = Kind::key;
    std::string text; ///< fingerprint that starts with "SHA256:", or key ID of a certificate
    bool operator==(const CredentialPattern&) const = default;
};

/// Beginnings of the values of match.credential that are not the fingerprint of a key.
inline constexpr std::string_view authority_prefix = "ca:";
inline constexpr std::string_view certificate_id_prefix = "cert-id:";

/// Parses a value of match.credential. An SSH key is written as "SHA256:" and 43 characters of base64. A certificate
/// authority is written as "ca:" and the fingerprint of its key, in the same format. The key ID of a certificate is
/// written as "cert-id:" and 1 to max_certificate_id_length bytes without NUL. Returns nullopt for any other text.
std::optional<CredentialPattern> parse_credential(std::string_view text);

/// Returns true if the pattern from a policy rule matches the SSH key or certificate of a login. A pattern never
/// matches a login whose key and certificate are unknown.
bool is_meant(const CredentialPattern& pattern, const Credential& credential) noexcept;

/// The `match` table of a policy rule. The rule applies to a login only if every key of the table matches.
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

/// The origin of a login, which is the local host or a remote host. It is computed once for each login and compared
/// with every rule. Lifetime: `host` is a view into `rhost` of the login.
struct Origin {
    bool local = false;
    bool unix_socket = false; ///< True for unix_origin.
    /// The address of the remote host. It is read from PAM_RHOST, or from SSH_CONNECTION if PAM_RHOST contains a host
    /// name.
    std::optional<Address> address;
    /// The host name in PAM_RHOST, without a final dot. Empty if PAM_RHOST contains an address or is empty.
    std::string_view host;
};
/// Returns true if the variable SSH_CONNECTION of sshd, "CLIENT PORT SERVER PORT", contains the addresses of an IP
/// connection. With an AF_UNIX socket, sshd writes the paths of the sockets instead. A client cannot imitate an address
/// of the server, because the path and the port 0 of the server follow the path of the client in every case.
bool is_ip_connection(std::string_view connection) noexcept;

/// Returns the origin of a login, which is the local host, an AF_UNIX socket of sshd or a remote host.
Origin origin_of(const Login& login) noexcept;

/// Returns true if the login matches every key of `match`. `origin` must be origin_of(login). Does not allocate.
bool matches(const Match& match, const Login& login, const Origin& origin);

} // namespace sesslimit::policy
