// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sesslimit {

/// Every group of a user, sorted, as getgrouplist(3) has them; none where there is no such user. May block (NSS): for
/// the worker, about sessions that PAM never told us of.
std::vector<gid_t> groups_of(const std::string& user);

} // namespace sesslimit
