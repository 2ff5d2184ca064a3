// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace sesslimit {

/// A reference to a user, as given by an administrator or a program. "uid:1001" is the user ID 1001. Every other text
/// is a user name, even if it consists of digits. The two cannot be confused, because user names contain no colon
/// (passwd(5)).
struct UserRef {
    std::string name;         ///< empty if `uid` is set
    std::optional<uid_t> uid; ///< absent if `name` is set
};

/// Parses a reference to a user. Returns nullopt for an empty text, and for "uid:" without a number from 0 to
/// 4294967294 after it. The number 4294967295 is not a user ID for chown(2) and similar calls.
std::optional<UserRef> parse_user_ref(std::string_view text);

/// Describes the error in a text that parse_user_ref() rejects. The result is escaped and has no full stop.
std::string user_ref_problem(std::string_view text);

/// Returns the text that refers to a user ID: "uid:1001".
std::string user_ref_of(uid_t uid);

/// Returns true if `ref` refers to the user with this name and ID.
bool refers_to(const UserRef& ref, std::string_view name, uid_t uid) noexcept;

} // namespace sesslimit
