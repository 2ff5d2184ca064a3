// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/policy/load.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// The policy cache, which is a file in /run with the texts of the last valid policy. A daemon that starts while the
/// policy files are invalid uses this policy.
namespace sesslimit::policy_store {

/// Writes the texts of a valid policy to the policy cache `file`. Replaces the file atomically with rename(2). Only
/// root can read the file.
Result<> save(const std::filesystem::path& file, const std::vector<policy::SourceText>& texts);

/// Reads the texts of the policy files from the policy cache `file`. Returns an empty list if the file cannot be
/// opened. Errors: the file is not a valid policy cache.
Result<std::vector<policy::SourceText>> read(const std::filesystem::path& file);

/// The origin of a loaded policy, which is the policy files or the policy cache. `none` means that neither is valid.
enum class PolicyOrigin { files, cached, none };

/// Result of load_or_fall_back().
struct LoadResult {
    /// The loaded policy. If neither the policy files nor the policy cache are valid, a policy without limits.
    policy::Policy policy;
    PolicyOrigin from = PolicyOrigin::none;
    /// policy::digest() of the texts of the loaded policy. Empty if no policy was loaded.
    std::string digest;
    /// The result of missing() for the loaded policy, which is 0 if all of its users and groups were found. Also 0 if
    /// the policy could not be written to the policy cache.
    std::size_t unresolved = 0;
    /// The errors and warnings about the policy files, even if the policy was loaded from the policy cache.
    std::vector<policy::Problem> problems;
    /// Errors when reading or writing the policy cache. A policy from the policy files is used despite these errors.
    std::vector<Error> errors;
};

/// Loads the policy from the files in `directory`, and writes it to the policy cache `file`. If the files contain an
/// error, loads the policy from the policy cache instead. May block, because it reads files and uses NSS.
LoadResult load_or_fall_back(const std::filesystem::path& directory, const std::filesystem::path& file,
                             policy::Names& names);

/// Returns 0 if all users and groups of the policy were found. Otherwise returns the number of errors and warnings
/// about the policy, which include one warning for each missing user or group. If the same texts are loaded again later
/// and the number is lower, some of the missing users and groups were found.
std::size_t missing(const policy::Loaded& loaded);

/// Loads the policy from the policy cache `file` again, and thereby looks up its users and groups again. This is the
/// policy in effect, because load_or_fall_back() wrote it to the cache or loaded it from the cache. Returns nullopt if
/// the policy cache is missing or invalid. May block, because it uses NSS.
std::optional<policy::Loaded> look_up_again(const std::filesystem::path& file, policy::Names& names);

} // namespace sesslimit::policy_store
