// SPDX-License-Identifier: MIT
// sshd's SSH_AUTH_INFO_0, and an administrator's notation for credentials.
#include "daemon/credential/credential.hpp"
#include "daemon/policy/match.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

namespace sesslimit::fuzz {
namespace {

bool is_fingerprint(const std::string& text) {
    const std::string_view digest = std::string_view(text).substr(std::min<std::size_t>(7, text.size()));
    return text.starts_with("SHA256:") && digest.size() == 43 && std::ranges::all_of(digest, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
                      c == '/';
           });
}

bool finds(const std::string& word, const Credential& credential) {
    const auto pattern = policy::parse_credential(word);
    must(pattern.has_value(), "a parsed credential is a valid pattern");
    return policy::is_meant(*pattern, credential);
}

void is_a_credential(const Credential& read) {
    must(read.method.size() <= 64 &&
             std::ranges::all_of(read.method, [](char c) { return c > ' ' && c <= '~' && c != '/'; }),
         "a method is a short word");
    must(read.fingerprint.empty() || is_fingerprint(read.fingerprint), "a fingerprint");
    must(read.ca.empty() || is_fingerprint(read.ca), "the fingerprint of a CA");
    must(read.certificate_id.size() <= max_certificate_id_length && read.certificate_id.find('\0') == std::string::npos,
         "an id has its bounds");
    must(read.ca.empty() ? read.certificate_id.empty() : !read.fingerprint.empty(), "a certificate has a key");
    must(read.fingerprint.empty() || finds(read.fingerprint, read), "it is found by its key");
    must(read.ca.empty() || finds("ca:" + read.ca, read), "it is found by its CA");
    must(read.certificate_id.empty() || finds("cert-id:" + read.certificate_id, read), "it is found by its id");
}

/// Checks that an unknown credential does not match the pattern in `text`.
void is_a_pattern(std::string_view text) {
    const auto pattern = policy::parse_credential(text);
    must(!pattern || !policy::is_meant(*pattern, {}), "an unknown credential does not match");
    must(!pattern || !pattern->text.empty(), "a pattern is not empty");
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    const std::string_view text = text_of(bytes);
    const Credential read = read_auth_info(text);
    is_a_credential(read);
    must(read_auth_info(std::string(text) + "\n\n") == read, "empty lines are ignored");
    is_a_pattern(text);
}

} // namespace sesslimit::fuzz
