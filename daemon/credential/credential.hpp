// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"

#include <string_view>

namespace sesslimit {

/// Parses SSH_AUTH_INFO_0, which sshd sets for a login. The text has one line for each successful authentication
/// method, in order. The form of a line is "METHOD[/SUBMETHOD][ KEYTYPE KEY-IN-BASE64][ MORE]" (OpenSSH's auth2.c,
/// auth2_update_session_info).
///
/// `method` is the method of the last line, without its submethod.
///
/// `fingerprint` is the fingerprint of the key in the first "publickey" line, in the format of "ssh-keygen -l". The
/// format is "SHA256:" and the unpadded base64 of the SHA-256 of the key's blob. For a certificate, the blob of its
/// plain key is used.
///
/// If that key is in a certificate (PROTOCOL.certkeys), `certificate_id` is its key ID, and `ca` is the fingerprint of
/// the signing key. Both are empty for a certificate that cannot be parsed completely. An ID is omitted if it is longer
/// than max_certificate_id_length, or contains a NUL elsewhere than at its end. sshd drops a NUL at the end as well.
/// The signature is not verified, because sshd has verified it.
///
/// Each field may be empty. The text may contain any bytes, and parts that cannot be parsed are ignored. A method has
/// at most 64 bytes of printable ASCII, and a key at most 16 KiB of base64.
Credential read_auth_info(std::string_view text);

} // namespace sesslimit
