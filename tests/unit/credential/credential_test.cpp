// SPDX-License-Identifier: MIT
#include "daemon/credential/credential.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/keys.hpp"

#include <vector>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::string_view_literals;

constexpr const Key& ed25519 = keys[0];
constexpr const Key& certificate = keys[4];

std::string line(const Key& key, std::string_view method = "publickey") {
    return std::string(method) + ' ' + std::string(key.type) + ' ' + std::string(key.base64) + '\n';
}

SESSLIMIT_TEST(credentials_match_ssh_keygen_output) {
    for (const Key& key : keys) {
        const Credential credential = read_auth_info(line(key));
        EXPECT_TEXT(credential.method, "publickey");
        EXPECT(credential.fingerprint == key.fingerprint, key.name);
        EXPECT(credential.certificate_id == key.certificate_id, key.name);
        EXPECT(credential.ca == key.ca, key.name);
    }
}

struct Case {
    std::string_view what;
    std::string text;
    std::string_view method;
    std::string_view fingerprint;
};

SESSLIMIT_TEST(auth_info_lines_of_sshd_parsed) {
    const std::vector<Case> cases = {
        {"nothing", "", "", ""},
        {"password", "password\n", "password", ""},
        {"no line end", "password", "password", ""},
        {"submethod", "keyboard-interactive/pam\n", "keyboard-interactive", ""},
        {"text after the method", "hostbased a b c\n", "hostbased", ""},
        {"key, then password", line(ed25519) + "password\n", "password", ed25519.fingerprint},
        {"password, then key", "password\n" + line(ed25519), "publickey", ed25519.fingerprint},
        {"two keys", line(ed25519) + line(keys[1]), "publickey", ed25519.fingerprint},
        {"text after the key",
         "publickey " + std::string(ed25519.type) + ' ' + std::string(ed25519.base64) + " more of it\n", "publickey",
         ed25519.fingerprint},
        {"host key not used as the user's key", line(ed25519, "hostbased"), "hostbased", ""},
        {"empty lines", "\n\npassword\n\n", "password", ""},
    };
    for (const Case& one : cases) {
        const Credential credential = read_auth_info(one.text);
        EXPECT(credential.method == one.method, one.what);
        EXPECT(credential.fingerprint == one.fingerprint, one.what);
    }
}

SESSLIMIT_TEST(malformed_auth_info_yields_no_credential) {
    const std::string good(ed25519.base64);
    const std::string type(ed25519.type);
    const std::string texts[] = {
        "publickey\n",
        "publickey \n",
        "publickey " + type + "\n",
        "publickey " + type + " \n",
        "publickey " + type + " !!!!\n",
        "publickey " + type + " AAAA\n",
        "publickey " + type + ' ' + good.substr(0, good.size() - 1) + "\n",
        "publickey ssh-rsa " + good + "\n",
        "publickey  " + type + ' ' + good + "\n",
        "publickey " + type + ' ' + std::string(20000, 'A') + "\n",
        "publickey ssh-ed25519 /////w==\n",                                        // a length of 4 GiB
        "publickey x-cert-v09@openssh.com AAAAGHgtY2VydC12MDlAb3BlbnNzaC5jb20=\n", // an unknown certificate type
        "publickey " + std::string(certificate.type) + ' ' + std::string(certificate.base64.substr(0, 72)) + "\n",
    };
    for (const std::string& text : texts) {
        const Credential credential = read_auth_info(text);
        EXPECT_TEXT(credential.fingerprint, "");
        EXPECT(credential.certificate_id.empty() && credential.ca.empty(), text);
        EXPECT(credential.method == "publickey", text);
    }
    EXPECT_TEXT(read_auth_info("\x1B[2J\n").method, "");
    EXPECT_TEXT(read_auth_info("a\0b\n"sv).method, "");
    EXPECT_TEXT(read_auth_info(std::string(65, 'm') + "\n").method, "");
    EXPECT_TEXT(read_auth_info(std::string(64, 'm') + "\n").method, std::string(64, 'm'));
}

std::string to_base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t three = 0;
        for (std::size_t i = at; i < at + 3; ++i) {
            three = three << 8U | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            text += at + i <= bytes.size() ? digits[three >> (18 - 6 * i) & 63U] : '=';
        }
    }
    return text;
}

/// Encodes a `string` of RFC 4251.
std::string field(std::string_view bytes) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    std::string text;
    for (const unsigned shift : {24u, 16u, 8u, 0u}) {
        text += static_cast<char>(size >> shift & 0xFFu);
    }
    return text + std::string(bytes);
}

/// Encodes a certificate in the format of PROTOCOL.certkeys. The default of the CA's key is the text "key of the CA".
std::string forged(std::string_view id, std::string_view ca = "key of the CA", std::string_view tail = "") {
    constexpr std::string_view type = "ssh-ed25519-cert-v01@openssh.com";
    return field(type) + field("nonce") + field(std::string(32, 'k')) + std::string(8, '\1') + std::string(4, '\0') +
           field(id) + field("principals") + std::string(16, '\0') + field("options") + field("extensions") +
           field("") + field(ca) + field("signature") + std::string(tail);
}

Credential credential_of(std::string_view blob) {
    return read_auth_info("publickey ssh-ed25519-cert-v01@openssh.com " + to_base64(blob) + '\n');
}

SESSLIMIT_TEST(certificate_id_and_ca_parsed) {
    const Credential good = credential_of(forged("the id"));
    EXPECT_TEXT(good.certificate_id, "the id");
    EXPECT_TEXT(good.ca, "SHA256:xM1qPyMRHx2YHw8r0n7vHdcSTgLhyhT87QHUTQleRv4"); // sha256sum, base64
    EXPECT(!good.fingerprint.empty(), "fingerprint");
    EXPECT_TEXT(credential_of(forged("a\0"sv)).certificate_id, "a");
    for (const std::string_view id : {"\0a"sv, "a\0b"sv, "a\0\0"sv, "\0"sv, ""sv}) {
        const Credential credential = credential_of(forged(id));
        EXPECT_TEXT(credential.certificate_id, "");
        EXPECT_TEXT(credential.ca, good.ca);
    }
    EXPECT_TEXT(credential_of(forged(std::string(128, 'i') + '\0')).certificate_id, std::string(128, 'i'));
    EXPECT_TEXT(credential_of(forged("\xFF\n\x1B")).certificate_id, "\xFF\n\x1B");
}

SESSLIMIT_TEST(malformed_certificate_yields_only_key_fingerprint) {
    const std::string good = forged("the id");
    const std::string fingerprint = credential_of(good).fingerprint;
    std::size_t with_key = 0;
    for (std::size_t size = 0; size < good.size(); ++size) {
        const Credential credential = credential_of(std::string_view(good).substr(0, size));
        EXPECT(credential.certificate_id.empty() && credential.ca.empty(), std::to_string(size));
        EXPECT(credential.fingerprint.empty() || credential.fingerprint == fingerprint, std::to_string(size));
        with_key += credential.fingerprint.empty() ? 0u : 1u;
    }
    EXPECT(with_key > 50, "each cut after the key yields the fingerprint");
    for (const std::string& bad :
         {forged("the id", ""), forged("the id", "ca", "\1"), forged("the id", "ca", "\0\0\0\0"sv)}) {
        const Credential credential = credential_of(bad);
        EXPECT(credential.certificate_id.empty() && credential.ca.empty(), "missing or extra data");
        EXPECT_TEXT(credential.fingerprint, fingerprint);
    }
    const Credential two = read_auth_info(line(ed25519) + line(certificate));
    EXPECT(two.certificate_id.empty() && two.ca.empty(), "only the first key counts");
}

SESSLIMIT_TEST(truncated_and_flipped_auth_info_handled) {
    const std::string whole = line(certificate);
    std::size_t others = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        (void)read_auth_info(std::string_view(whole).substr(0, i));
        for (const unsigned bit : {0u, 1u, 5u, 7u}) {
            std::string flipped = whole;
            flipped[i] = static_cast<char>(static_cast<unsigned char>(flipped[i]) ^ (1u << bit));
            others += read_auth_info(flipped).fingerprint != certificate.fingerprint ? 1u : 0u;
        }
    }
    EXPECT(others > 0, "a flipped bit in the key changes the fingerprint");
}

} // namespace
