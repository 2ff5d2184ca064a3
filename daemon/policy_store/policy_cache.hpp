// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/policy/load.hpp"

#include <filesystem>
#include <optional>
#include <vector>

/// Policy cache in /run. If the policy files are invalid, a starting daemon uses the last valid policy.
namespace sesslimit::policy_store {

/// Writes the texts of a valid policy to `file` atomically (rename(2)). Only root can read the file.
Result<> save(const std::filesystem::path& file, const std::vector<policy::SourceText>& texts);

/// Reads the cached texts. Returns an empty list if the file cannot be opened. Errors: the file is not a valid policy
/// cache.
Result<std::vector<policy::SourceText>> read(const std::filesystem::path& file);

/// Origin of a policy.
enum class PolicyOrigin { files, cached, none };

/// Result of load_or_fall_back().
struct LoadResult {
    policy::Policy policy; ///< loaded policy; without any limit if `from` is PolicyOrigin::none
    PolicyOrigin from = PolicyOrigin::none;
    std::size_t unresolved = 0; ///< result of missing() for the loaded texts; 0 if the texts could not be cached
    std::vector<policy::Problem> problems; ///< problems of the files, even if the cached policy was loaded
    std::vector<Error> errors;             ///< errors of the cache, which are not fatal
};

/// Loads the policy from the files in `directory` and caches it in `file`. If the files contain an error, loads the
/// cached policy. May block (files, NSS).
LoadResult load_or_fall_back(const std::filesystem::path& directory, const std::filesystem::path& file,
                             policy::Names& names);

/// Returns 0 if every user and group of the policy was found. Otherwise returns the number of problems, which includes
/// names that were not found. The directory service that provides a name may not be available yet. If a later load of
/// the same texts has fewer problems, some names have been found since.
std::size_t missing(const policy::Loaded& loaded);

/// Loads the policy that is cached in `file`, and looks up its names again. This policy is in effect since
/// load_or_fall_back(). Returns nullopt if the texts are not a valid policy. May block (NSS).
std::optional<policy::Loaded> look_up_again(const std::filesystem::path& file, policy::Names& names);

} // namespace sesslimit::policy_store
