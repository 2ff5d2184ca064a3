// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"

#include <string_view>

namespace sesslimit {

/// Reads what sshd says of a login in SSH_AUTH_INFO_0: one line for each method that was satisfied, in their order,
/// "METHOD[/SUBMETHOD][ KEYTYPE KEY-IN-BASE64][ MORE]" (OpenSSH's auth2.c, auth2_update_session_info).
///
/// `method` is that of the last line, without its submethod. `fingerprint` is that of the key of the first "publickey"
/// line, as "ssh-keygen -l" prints it: "SHA256:" and the unpadded base64 of the SHA-256 of the key's blob, which for a
/// certificate is the blob of the plain key in it. Where that key is in a certificate (PROTOCOL.certkeys),
/// `certificate_id` is its key id and `ca` the fingerprint of the key that signed it; a certificate that cannot be read
/// to its end has neither. An id that is longer than max_certificate_id_length, or holds a NUL elsewhere than at its
/// end, which sshd drops as well, is left out. The signature is not checked: sshd did that.
///
/// Each may be empty: any bytes may come in, and what cannot be read says nothing. A method is at most 64 bytes of
/// printable ASCII, and a key 16 KiB of base64.
Credential read_auth_info(std::string_view text);

} // namespace sesslimit
