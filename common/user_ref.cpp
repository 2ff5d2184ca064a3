// SPDX-License-Identifier: MIT
#include "common/user_ref.hpp"

#include "common/text.hpp"

#include <charconv>
#include <cstdint>

namespace sesslimit {
namespace {

constexpr std::string_view prefix = "uid:";
constexpr std::uint32_t last_uid = 4'294'967'294;

std::optional<uid_t> parse_uid(std::string_view digits) {
    std::uint32_t uid = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), uid);
    const bool valid = error == std::errc() && end == digits.data() + digits.size() && uid <= last_uid;
    return valid ? std::optional<uid_t>(uid) : std::nullopt;
}

} // namespace

std::optional<UserRef> parse_user_ref(std::string_view text) {
    if (text.empty() || malformed_at(text) != text.npos) {
        return std::nullopt;
    }
    if (!text.starts_with(prefix)) {
        return UserRef{std::string(text), std::nullopt};
    }
    const auto uid = parse_uid(text.substr(prefix.size()));
    return uid ? std::optional(UserRef{{}, uid}) : std::nullopt;
}

std::string user_ref_problem(std::string_view text) {
    if (malformed_at(text) != text.npos) {
        return "\"" + escape_for_display(text) + "\" is not valid UTF-8; write uid: followed by the ID of the user";
    }
    return text.empty()
               ? "the user name is empty"
               : "\"" + escape_for_display(text) +
                     "\" is not a valid user ID; write uid: followed by a number from 0 to " + std::to_string(last_uid);
}

std::string user_ref_of(uid_t uid) {
    return std::string(prefix) + std::to_string(uid);
}

bool refers_to(const UserRef& ref, std::string_view name, uid_t uid) noexcept {
    return ref.uid ? *ref.uid == uid : ref.name == name;
}

} // namespace sesslimit
