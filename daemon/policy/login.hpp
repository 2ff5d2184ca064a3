// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace sesslimit {

/// Bounds of what is recorded of a login, in bytes.
inline constexpr std::size_t max_fingerprint_length = 64; // "SHA256:" and 43 characters
inline constexpr std::size_t max_certificate_id_length = 128;
inline constexpr std::size_t max_seat_length = 64;

/// How somebody proved who they are, read from sshd's SSH_AUTH_INFO_0. Empty where it is not known.
struct Credential {
    std::string method;           ///< "publickey", "password", "keyboard-interactive", ...; the last one that counted
    std::string fingerprint;      ///< "SHA256:..." as ssh-keygen -l writes it, of the first public key used; else empty
    std::string certificate_id{}; ///< the key id that the CA wrote into the certificate of that key: any bytes but NUL
    std::string ca{};             ///< "SHA256:...", fingerprint of the CA's key that signed that certificate
    bool operator==(const Credential&) const = default;
};

/// The facts of one login, as the policy looks at them. Texts come from outside and are bounded
/// (common/protocol.hpp), but hold any bytes: show them through sesslimit::escape_for_display() only.
struct Login {
    std::string user;
    uid_t uid = 0;
    std::vector<gid_t> gids; ///< sorted, without repeats
    std::string service;     ///< PAM service: "sshd", "login", ...
    std::string tty;         ///< as PAM or logind has it: "pts/3", "/dev/tty1", "ssh"; may be empty
    std::string rhost;       ///< where from; empty: from this host
    std::string ruser;
    std::string seat{}; ///< "seat0"; empty where none is known, as of every ssh login
    Credential credential;
    std::string connection; ///< sshd's SSH_CONNECTION; empty for every other service
    bool nested = false;    ///< opened from inside a logind session: part of that one
    bool gids_cut = false;  ///< there are more groups than `gids` lists: the rest could not be sent or recorded
    bool operator==(const Login&) const = default;
};

} // namespace sesslimit
