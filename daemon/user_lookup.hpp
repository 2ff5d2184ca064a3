// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/api/backend.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace sesslimit {

/// Returns the groups of a user as reported by getgrouplist(3), sorted, at most wire::max_gids. Returns an empty list
/// if the user does not exist. May block (NSS), so it runs on the worker. Used for sessions that PAM did not report.
/// Errors: the user database is unavailable.
Result<std::vector<gid_t>> groups_of(const std::string& user);

/// Adds the missing user name or user ID, and the groups, to the login in a query of a D-Bus caller. Returns nothing if
/// the named user, or the user ID without a name, is not in the user database. If a name and a user ID are given, the
/// given ID is used instead of the ID in the user database. Groups that do not exist are ignored. May block.
std::optional<Login> complete(api::ExplainQuery question);

} // namespace sesslimit
