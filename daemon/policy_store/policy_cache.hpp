// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/policy/load.hpp"

#include <filesystem>
#include <optional>
#include <vector>

/// The last good policy, kept in /run: a daemon that starts with a broken one goes on with it.
namespace sesslimit::policy_store {

/// Writes the texts of a good policy to `file`, whole or not at all (rename(2)), for root alone to read.
Result<> save(const std::filesystem::path& file, const std::vector<policy::SourceText>& texts);

/// Reads them back. No texts where there is no such file; fails where there is one that is not of our making.
Result<std::vector<policy::SourceText>> read(const std::filesystem::path& file);

/// Where a policy came from.
enum class PolicyOrigin { files, kept, nowhere };

struct LoadResult {
    policy::Policy policy; ///< of `nowhere`: the empty one, that limits nobody
    PolicyOrigin from = PolicyOrigin::nowhere;
    std::size_t unresolved = 0; ///< missing() of what it was loaded from; 0 as well where that could not be kept
    std::vector<policy::Problem> problems; ///< of the files, whatever was taken in the end
    std::vector<Error> errors;             ///< of keeping: none of them is in the way of anything
};

/// The policy of the files in `directory`, which is then kept in `file`; where they have an error, the one kept
/// before. May block (files, NSS).
LoadResult load_or_fall_back(const std::filesystem::path& directory, const std::filesystem::path& file,
                             policy::Names& names);

/// 0: every user and group that it names was found. Else the number of its problems, names that were not found among
/// them: the directory that has them may not be there yet. Fewer of the same texts: some have come since.
std::size_t missing(const policy::Loaded& loaded);

/// The policy of the texts that are kept in `file`, which is in force since load_or_fall_back(), with its names looked
/// up once more. Nothing where they do not make one. May block (NSS).
std::optional<policy::Loaded> look_up_again(const std::filesystem::path& file, policy::Names& names);

} // namespace sesslimit::policy_store
