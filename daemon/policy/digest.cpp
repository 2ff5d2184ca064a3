// SPDX-License-Identifier: MIT
#include "daemon/policy/load.hpp"

#include <nettle/sha2.h>

#include <array>
#include <string_view>

namespace sesslimit::policy {
namespace {

void add(sha256_ctx& context, std::string_view text) {
    sha256_update(&context, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()));
}

} // namespace

std::string digest(const std::vector<SourceText>& texts) {
    sha256_ctx context{};
    sha256_init(&context);
    for (const SourceText& source : texts) {
        // The lengths separate the path and the text of a file from each other and from those of the next file.
        add(context, source.tier == Tier::managed ? "managed " : "host ");
        add(context, std::to_string(source.path.size()) + ' ' + source.path);
        add(context, std::to_string(source.text.size()) + ' ' + source.text);
    }
    std::array<std::uint8_t, SHA256_DIGEST_SIZE> bytes{};
    sha256_digest(&context, bytes.size(), bytes.data());
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte / 16];
        text += digits[byte % 16];
    }
    return text;
}

} // namespace sesslimit::policy
