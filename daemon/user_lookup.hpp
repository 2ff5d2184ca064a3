// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/api/backend.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace sesslimit {

/// Returns the group IDs of a user as reported by getgrouplist(3), sorted, at most 65,536 (NGROUPS_MAX). Returns an
/// empty list if the user does not exist. May block, so it must run on the worker thread. Used for sessions whose
/// groups the PAM module did not report completely. Errors: the user database is unavailable, or out of memory.
Result<std::vector<gid_t>> groups_of(const std::string& user);

/// Completes the login that a D-Bus caller asks about. Adds the group IDs, and the user name or user ID if it is
/// missing. Returns nullopt if only a name or only a user ID is given, and the user database does not contain it.
///
/// If both a name and a user ID are given, the given ID is used, even if the user database contains another ID for the
/// name. Names of groups that do not exist are ignored. May block, so it must run on the worker thread.
std::optional<Login> complete(api::ExplainQuery question);

} // namespace sesslimit
