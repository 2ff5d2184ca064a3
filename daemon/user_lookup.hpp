// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/api/backend.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace sesslimit {

/// Every group of a user, sorted, as getgrouplist(3) has them; none where there is no such user. Fails where nobody
/// could be asked. May block (NSS): for the worker, about sessions that PAM never told us of.
Result<std::vector<gid_t>> groups_of(const std::string& user);

/// Completes a login that a caller asks about: name or uid, and groups. Returns nothing if the user named, or the
/// user ID without a name, is not in the user database; a uid beside a name replaces that of the user database.
/// Groups that do not exist are passed over. May block.
std::optional<Login> complete(api::ExplainQuery question);

} // namespace sesslimit
