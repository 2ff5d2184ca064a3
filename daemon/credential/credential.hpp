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
/// Each field of the Credential may be empty. SSH_AUTH_INFO_0 may contain any bytes, and parts that cannot be parsed
/// are ignored. A method has at most 64 bytes of printable ASCII, and a key at most 16 KiB of base64.
Credential read_auth_info(std::string_view text);

} // namespace sesslimit
