// SPDX-License-Identifier: MIT
#include "daemon/policy/load.hpp"

#include <nettle/sha2.h>

#include <array>
#include <string_view>

namespace sesslimit::policy {

std::string sha256(std::string_view text) {
    sha256_ctx context{};
    sha256_init(&context);
    sha256_update(&context, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()));
    std::array<std::uint8_t, SHA256_DIGEST_SIZE> bytes{};
    sha256_digest(&context, bytes.size(), bytes.data());
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const std::uint8_t byte : bytes) {
        hex += digits[byte / 16];
        hex += digits[byte % 16];
    }
    return hex;
}

std::string digest(const std::vector<SourceText>& texts) {
    std::string sums;
    for (const SourceText& source : texts) {
        sums += sha256(source.text) + "  " + source.path + '\n';
    }
    return sha256(sums);
}

} // namespace sesslimit::policy
