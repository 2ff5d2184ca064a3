// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace sesslimit {

/// Bounds of the recorded login data, in bytes.
inline constexpr std::size_t max_fingerprint_length = 64; // "SHA256:" and 43 characters
inline constexpr std::size_t max_certificate_id_length = 128;
inline constexpr std::size_t max_seat_length = 64;

/// The authentication of a user, parsed from sshd's SSH_AUTH_INFO_0. Fields are empty if unknown.
struct Credential {
    /// The last method that succeeded: "publickey", "password", "keyboard-interactive", ...
    std::string method;
    /// The fingerprint of the first public key used, "SHA256:..." as printed by ssh-keygen -l. Empty if no key was
    /// used.
    std::string fingerprint;
    std::string certificate_id{}; ///< key ID that the CA wrote into the certificate of that key: any bytes but NUL
    std::string ca{};             ///< "SHA256:...", fingerprint of the CA key that signed that certificate
    bool operator==(const Credential&) const = default;
};

/// The properties of a login that the policy uses. Texts come from outside and are bounded (common/protocol.hpp), but
/// may contain any bytes. Display them through sesslimit::escape_for_display() only.
struct Login {
    std::string user;
    uid_t uid = 0;
    std::vector<gid_t> gids; ///< group IDs of the user, sorted and without duplicates
    std::string service;     ///< PAM service: "sshd", "login", ...
    std::string tty;         ///< terminal as reported by PAM or logind: "pts/3", "/dev/tty1", "ssh"; may be empty
    std::string rhost;       ///< remote host; empty for a login from this host
    std::string ruser;
    std::string seat{}; ///< "seat0"; empty if unknown, as for every ssh login
    Credential credential;
    std::string connection; ///< sshd's SSH_CONNECTION; empty for every other service
    bool nested = false;    ///< true for a login from inside a logind session, which is part of that session
    bool gids_cut = false;  ///< true if `gids` is incomplete, because the other groups could not be sent or recorded
    bool operator==(const Login&) const = default;
};

} // namespace sesslimit
