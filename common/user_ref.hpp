// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace sesslimit {

/// A reference to a user, as given by an administrator or a program. "uid:1001" is the user ID 1001. Every other text
/// is a user name, even if it consists of digits. A user name cannot begin with "uid:", because user names contain no
/// colon (passwd(5)).
struct UserRef {
    std::string name;         ///< User name; empty if `uid` is set.
    std::optional<uid_t> uid; ///< User ID; absent if `name` is set.
};

/// Parses a reference to a user, which is a user name or "uid:" and a user ID. Returns nullopt for an empty text, for
/// malformed UTF-8, which D-Bus cannot transfer, and for "uid:" without a number from 0 to 4294967294. The number
/// 4294967295 is excluded, because chown(2) and similar calls do not treat it as a user ID.
std::optional<UserRef> parse_user_ref(std::string_view text);

/// Returns a message about the error in a text that parse_user_ref() rejects. The message is escaped for display and
/// has no full stop.
std::string user_ref_problem(std::string_view text);

/// Returns a text that refers to a user by ID, such as "uid:1001".
std::string user_ref_of(uid_t uid);

/// Returns true if `ref` refers to the user with the name `name` and the user ID `uid`.
bool refers_to(const UserRef& ref, std::string_view name, uid_t uid) noexcept;

} // namespace sesslimit
