// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/output/journal.hpp"
#include "daemon/policy_store/policy_cache.hpp"

#include <string>
#include <vector>

namespace sesslimit {

/// Logs the problems of the policy files, and whether the policy was loaded or rejected. After a rejection, the text
/// states which policy is in effect instead. That policy depends on `at_start`.
void log_loaded_policy(const policy_store::LoadResult& loaded, bool at_start, output::Journal& journal);

/// Returns the problems as text, one per line. Returns an empty text if there are no problems.
std::string text_of(const std::vector<policy::Problem>& problems);

} // namespace sesslimit
