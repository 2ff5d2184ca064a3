// SPDX-License-Identifier: MIT
#include "daemon/credential/credential.hpp"

#include <nettle/base64.h>
#include <nettle/sha2.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sesslimit {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t max_method_length = 64;
/// Maximum length of a key in bytes of base64. The longest RSA keys that sshd accepts have 16384 bits.
constexpr std::size_t max_key_length = std::size_t{16} * 1024;

/// Removes the text before the first `end`, and `end` itself, from the front of `text`. Returns the removed text
/// without `end`. If `text` does not contain `end`, removes and returns all of it.
std::string_view take(std::string_view& text, char end) {
    const std::string_view part = text.substr(0, text.find(end));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return part;
}

/// Returns the authentication method in a line of SSH_AUTH_INFO_0, without the submethod. Returns an empty text if the
/// method is longer than 64 bytes or contains anything but printable ASCII.
std::string_view method_of(std::string_view line) {
    std::string_view word = take(line, ' ');
    const std::string_view method = take(word, '/');
    const bool printable = std::all_of(method.begin(), method.end(), [](char c) { return c > 0x20 && c < 0x7F; });
    return printable && method.size() <= max_method_length ? method : std::string_view();
}

std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text) {
    if (text.empty() || text.size() > max_key_length) {
        return std::nullopt;
    }
    std::vector<std::uint8_t> bytes(BASE64_DECODE_LENGTH(text.size()));
    std::size_t size = bytes.size();
    base64_decode_ctx context{};
    base64_decode_init(&context);
    if (base64_decode_update(&context, &size, bytes.data(), text.size(), text.data()) == 0 ||
        base64_decode_final(&context) == 0) {
        return std::nullopt;
    }
    bytes.resize(size);
    return bytes;
}

/// Removes a `string` of RFC 4251, section 5, from the front of `blob`, and returns its content. A `string` consists of
/// a length in four bytes and as many bytes of content. The function also reads an `mpint`, which has the same form.
/// Returns nullopt if the blob is too short.
std::optional<Bytes> take_string(Bytes& blob) {
    if (blob.size() < 4) {
        return std::nullopt;
    }
    const std::size_t length =
        std::size_t{blob[0]} << 24 | std::size_t{blob[1]} << 16 | std::size_t{blob[2]} << 8 | blob[3];
    if (length > blob.size() - 4) {
        return std::nullopt;
    }
    const Bytes part = blob.subspan(4, length);
    blob = blob.subspan(4 + length);
    return part;
}

/// Type of an SSH certificate. A certificate contains a plain key and further fields.
struct CertificateType {
    std::string_view name;
    /// Type name of the plain key that the certificate contains.
    std::string_view plain;
    /// Number of fields of the plain key, which follow the nonce in the certificate. Each field is a `string` or an
    /// `mpint`.
    int fields;
};

// Certificate types of OpenSSH, which are defined in its files PROTOCOL.certkeys and PROTOCOL.u2f.
constexpr CertificateType certificate_types[] = {
    {"ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2},
    {"ssh-dss-cert-v01@openssh.com", "ssh-dss", 4},
    {"ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 2},
    {"ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", 2},
    {"ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", 2},
    {"ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1},
    {"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", 3},
    {"sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", 2},
};

std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Returns the blob of the plain key in a certificate, which consists of the type and the fields of that key.
/// `behind_type` is the part of the certificate after its type. The nonce and the fields of the key are removed from
/// the front of this part. Returns nullopt if the certificate is too short.
std::optional<std::vector<std::uint8_t>> take_plain_blob(const CertificateType& type, Bytes& behind_type) {
    if (!take_string(behind_type)) { // the nonce
        return std::nullopt;
    }
    const auto length = static_cast<std::uint8_t>(type.plain.size());
    std::vector<std::uint8_t> blob = {0, 0, 0, length};
    blob.insert(blob.end(), type.plain.begin(), type.plain.end());
    const Bytes fields = behind_type;
    for (int i = 0; i < type.fields; ++i) {
        if (!take_string(behind_type)) {
            return std::nullopt;
        }
    }
    blob.insert(blob.end(), fields.begin(), fields.end() - static_cast<std::ptrdiff_t>(behind_type.size()));
    return blob;
}

std::string sha256_text(Bytes blob) {
    std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
    sha256_ctx context{};
    sha256_init(&context);
    sha256_update(&context, blob.size(), blob.data());
    sha256_digest(&context, digest.size(), digest.data());
    std::array<char, BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE)> text{};
    base64_encode_raw(text.data(), digest.size(), digest.data());
    const std::string_view padded(text.data(), text.size());
    return "SHA256:" + std::string(padded.substr(0, padded.find('=')));
}

bool skip(Bytes& blob, std::size_t size) {
    if (size > blob.size()) {
        return false;
    }
    blob = blob.subspan(size);
    return true;
}

bool skip_strings(Bytes& blob, int count) {
    for (int i = 0; i < count; ++i) {
        if (!take_string(blob)) {
            return false;
        }
    }
    return true;
}

/// Reads the key ID and the CA from the part of an SSH certificate that follows the plain key. Does not change
/// `credential` if the certificate cannot be parsed completely.
void read_certificate(Bytes behind_key, Credential& credential) {
    constexpr std::size_t serial_and_type = 8 + 4;
    constexpr std::size_t validity = 8 + 8;
    Bytes& rest = behind_key;
    const auto id = skip(rest, serial_and_type) ? take_string(rest) : std::nullopt;
    const bool passed = id && skip_strings(rest, 1) && skip(rest, validity) && skip_strings(rest, 3);
    const auto ca = passed ? take_string(rest) : std::nullopt;
    if (!ca || ca->empty() || !take_string(rest) || !rest.empty()) { // signature must be last
        return;
    }
    credential.ca = sha256_text(*ca);
    std::string_view text = as_text(*id);
    if (text.ends_with('\0')) {
        text.remove_suffix(1);
    }
    if (text.size() <= max_certificate_id_length && text.find('\0') == text.npos) {
        credential.certificate_id = text;
    }
}

/// Parses the part of a line of SSH_AUTH_INFO_0 after "publickey ". This part consists of the key type, the key in
/// base64, and optional further words, which are ignored.
void read_key(std::string_view line, Credential& credential) {
    const std::string_view type = take(line, ' ');
    const auto blob = from_base64(take(line, ' '));
    if (!blob) {
        return;
    }
    Bytes rest = *blob;
    const auto inner_type = take_string(rest);
    if (!inner_type || as_text(*inner_type) != type) {
        return;
    }
    const auto* certificate = std::find_if(std::begin(certificate_types), std::end(certificate_types),
                                           [type](const CertificateType& one) { return one.name == type; });
    if (certificate == std::end(certificate_types)) {
        // A certificate of an unknown type gets no fingerprint. If it were treated as a plain key, the fingerprint
        // would be computed from the wrong bytes.
        if (type.find("-cert-v") == type.npos) {
            credential.fingerprint = sha256_text(*blob);
        }
        return;
    }
    if (const auto plain = take_plain_blob(*certificate, rest)) {
        credential.fingerprint = sha256_text(*plain);
        read_certificate(rest, credential);
    }
}

} // namespace

Credential read_auth_info(std::string_view text) {
    Credential credential;
    bool key_seen = false;
    while (!text.empty()) {
        std::string_view line = take(text, '\n');
        if (line.empty()) {
            continue;
        }
        const std::string_view method = method_of(line);
        credential.method = method;
        if (method == "publickey" && !key_seen) {
            key_seen = true;
            take(line, ' ');
            read_key(line, credential);
        }
    }
    return credential;
}

} // namespace sesslimit
