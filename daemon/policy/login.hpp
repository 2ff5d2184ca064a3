// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace sesslimit {

/// Maximum lengths, in bytes, of texts that the daemon stores about a login. A fingerprint consists of "SHA256:" and 43
/// characters, which is less than max_fingerprint_length.
inline constexpr std::size_t max_fingerprint_length = 64;
inline constexpr std::size_t max_certificate_id_length = 128;
inline constexpr std::size_t max_seat_length = 64;

/// The authentication of an SSH login, parsed from SSH_AUTH_INFO_0, which sshd sets. A field is empty if its value is
/// unknown.
struct Credential {
    /// The authentication method that succeeded last, such as "publickey", "password" or "keyboard-interactive".
    std::string method;
    /// The fingerprint of the user's public key, in the format "SHA256:..." that ssh-keygen -l prints. If the user
    /// authenticated with several keys, the fingerprint of the first one. Empty if no key was used.
    std::string fingerprint;
    /// The key ID in the user's SSH certificate, as the certificate authority wrote it. May contain any bytes but NUL.
    std::string certificate_id{};
    /// The fingerprint "SHA256:..." of the certificate authority's key that signed the user's SSH certificate.
    std::string ca{};
    bool operator==(const Credential&) const = default;
};

/// Value of Login::rhost for an ssh login whose connection does not use IP. An example is a connection to sshd's
/// AF_UNIX socket (systemd-ssh-generator(8)), which any local user can open.
inline constexpr char unix_origin[] = "unix";

/// The properties of a login that determine its limits. The texts come from other programs and may contain any bytes,
/// so they must be passed through sesslimit::escape_for_display() before they are displayed. Their lengths are bounded
/// (common/protocol.hpp).
struct Login {
    std::string user;
    uid_t uid = 0;
    /// The IDs of the user's groups, sorted and without duplicates.
    std::vector<gid_t> gids;
    /// The PAM service, such as "sshd" or "login".
    std::string service;
    /// The terminal as reported by PAM or logind, such as "pts/3", "/dev/tty1" or "ssh". May be empty.
    std::string tty;
    /// The host from which the user logs in. Empty for a login on this host itself, or unix_origin.
    std::string rhost;
    std::string ruser;
    /// The logind seat, such as "seat0". Empty if unknown, and for every SSH login.
    std::string seat{};
    Credential credential;
    /// The environment variable SSH_CONNECTION, which sshd sets. Empty for logins through other PAM services than sshd.
    std::string connection;
    /// True if the login was opened from inside a logind session, for example by su, and is part of that session.
    bool nested = false;
    /// True if groups of the user are missing in `gids`, because they could not be looked up, could not be sent to the
    /// daemon, or could not be recorded.
    bool gids_cut = false;
    bool operator==(const Login&) const = default;
};

} // namespace sesslimit
