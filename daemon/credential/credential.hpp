// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"

#include <string_view>

namespace sesslimit {

/// Parses SSH_AUTH_INFO_0, a variable that sshd sets in the PAM environment of a login. The text has one line for each
/// successful authentication method, in order. The form of a line is "METHOD[/SUBMETHOD][ KEYTYPE KEY-IN-BASE64][
/// MORE]" (OpenSSH's auth2.c, auth2_update_session_info).
///
/// The field `method` of the result is the authentication method in the last line of SSH_AUTH_INFO_0, without its
/// submethod.
///
/// The field `fingerprint` of the result is the fingerprint of the key in the first "publickey" line of
/// SSH_AUTH_INFO_0, in the format of "ssh-keygen -l". The format is "SHA256:" and the unpadded base64 of the SHA-256 of
/// the key's blob. If the key is in a certificate, the blob of the plain key is used.
///
/// If the first public key of a login is in a certificate (OpenSSH's PROTOCOL.certkeys), the field `certificate_id` is
/// the key ID of the certificate, and `ca` is the fingerprint of the signing key. Both are empty for a certificate that
/// cannot be parsed completely. The signature is not verified, because sshd has verified it.
///
/// A key ID is omitted if it is longer than max_certificate_id_length, or if it contains a NUL elsewhere than at its
/// end. A NUL at the end is removed, as in sshd.
///
/// A field of the result is empty if its part of SSH_AUTH_INFO_0 is missing or cannot be parsed. A method cannot be
/// parsed if it is longer than 64 bytes or contains anything but printable ASCII. A key cannot be parsed if it has more
/// than 16 KiB of base64.
Credential read_auth_info(std::string_view text);

} // namespace sesslimit
