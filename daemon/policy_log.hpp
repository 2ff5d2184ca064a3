// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/output/journal.hpp"
#include "daemon/policy_store/policy_cache.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace sesslimit {

/// Logs the problems of the policy files, and whether the policy was loaded or rejected. If it was rejected, the
/// message states which policy is in effect instead. `at_start` is true at the start of the daemon, and false on a
/// reload.
void log_loaded_policy(const policy_store::LoadResult& loaded, bool at_start, output::Journal& journal);

/// Maximum number of policy errors and warnings that are listed individually. If there are more, the number of the
/// remaining ones is listed.
inline constexpr std::size_t max_listed_problems = 100;

/// Returns the errors of the policy files without their excerpts, one line each. Omits warnings.
std::vector<std::string> error_lines(const std::vector<policy::Problem>& problems);

/// Returns the problems of the policy files as text, one per line. Returns an empty text if `problems` is empty.
std::string text_of(const std::vector<policy::Problem>& problems);

} // namespace sesslimit
