// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit::policy {

/// The whole contents of one policy file.
struct SourceText {
    std::string path; ///< path of the file as shown in problems
    Tier tier = Tier::host;
    std::string text;
};

/// An error or a warning about a policy file.
struct Problem {
    enum class Severity : std::uint8_t { error, warning };
    Severity severity = Severity::error;
    std::string path;
    std::uint32_t line = 0;   ///< line number from 1; 0 if the problem concerns the whole file
    std::uint32_t column = 0; ///< column in bytes from 1; 0 if the problem concerns the whole line
    std::string what;         ///< description of the error and the correct form; escaped for display
    std::string excerpt;      ///< the unescaped line of the file; may be empty
};

/// Formats a problem for a human reader in one to three lines without a final newline. The lines are "FILE:LINE:COLUMN:
/// error: what", the source line, and a caret under the column. Text from the file is escaped. Only the part around the
/// column is shown of a long line. A line or column of 0 is omitted.
std::string format(const Problem& problem);

/// An interface to the host's user database. The functions may block (NSS), and must never be called from the event
/// loop.
class Names {
  public:
    virtual ~Names() = default;
    /// Return the ID of a user or group. Return nullopt if the name does not exist, or if the database cannot be
    /// queried.
    virtual std::optional<uid_t> user(const std::string& name) = 0;
    virtual std::optional<gid_t> group(const std::string& name) = 0;
};

/// The user database of the host, accessed by getpwnam_r(3), getpwuid_r(3) and getgrnam_r(3).
class SystemNames final : public Names {
  public:
    struct Account {
        uid_t uid;
        gid_t gid; ///< the primary group
    };
    /// Returns nullopt if the name does not exist. Fails if the database cannot be queried.
    static Result<std::optional<Account>> account(const std::string& name);
    /// Returns the name of the user with this ID, or nullopt if the user does not exist. Fails if the database cannot
    /// be queried.
    static Result<std::optional<std::string>> name_of(uid_t uid);

    std::optional<uid_t> user(const std::string& name) override;
    std::optional<gid_t> group(const std::string& name) override;
};

/// The result of load().
struct Loaded {
    std::optional<Policy> policy;  ///< the policy; absent if any problem is an error
    std::vector<Problem> problems; ///< the first 500 problems, sorted by path, line and column
    /// True if a user or group was not found, possibly because its directory service is not available yet.
    bool unresolved = false;
};

/// Parses the texts, in their order, into a policy. Every text is checked to its end, so that no error hides another
/// error. Only a text that is not valid TOML has this one problem and no others. Looks up each name in `names` once.
/// Pure except for `names`. Throws only std::bad_alloc and exceptions of `names`.
Loaded load(const std::vector<SourceText>& texts, Names& names);

/// The files of a policy directory in their order: managed.d/*.toml, then policy.toml, then policy.d/*.toml. Each
/// directory is read in byte order of the names. A missing file or directory is treated as empty. Names that start with
/// a dot or do not end in ".toml" are ignored.
///
/// The following are problems without a line number and count as errors:
/// - a file over 1 MiB
/// - a file that is not a regular file
/// - a file that cannot be read
/// - a directory with more than 1000 files
struct ReadTexts {
    std::vector<SourceText> texts;
    std::vector<Problem> problems;
};
ReadTexts read_texts(const std::filesystem::path& directory);

/// Reads one file with the same bounds as in ReadTexts. A missing file is a problem.
std::expected<SourceText, Problem> read_text(const std::filesystem::path& file, Tier tier);

} // namespace sesslimit::policy
