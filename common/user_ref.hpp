// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace sesslimit {

/// A user as an administrator or a program names one. "uid:1001" is the user ID 1001; every other text is a user name,
/// also one of digits. The two cannot be confused, because no user name contains a colon (passwd(5)).
struct UserRef {
    std::string name;         ///< empty if `uid` is set
    std::optional<uid_t> uid; ///< absent if `name` is set
};

/// Parses such a text. Returns nothing if it is empty, or begins with "uid:" without a number from 0 to 4294967294
/// behind it. The number above is not a user ID for chown(2) and its like.
std::optional<UserRef> parse_user_ref(std::string_view text);

/// Describes what is wrong with a text that parse_user_ref() rejects. Safe to show; no full stop.
std::string user_ref_problem(std::string_view text);

/// Returns the text that refers to a user ID: "uid:1001".
std::string user_ref_of(uid_t uid);

/// Returns true if the user with this name and ID is the one referred to.
bool refers_to(const UserRef& ref, std::string_view name, uid_t uid) noexcept;

} // namespace sesslimit
