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

/// One policy file, read whole.
struct SourceText {
    std::string path; ///< as it is named in problems
    Tier tier = Tier::host;
    std::string text;
};

/// Something about a policy file that somebody should know.
struct Problem {
    enum class Severity : std::uint8_t { error, warning };
    Severity severity = Severity::error;
    std::string path;
    std::uint32_t line = 0;   ///< from 1; 0 where it is about the whole file
    std::uint32_t column = 0; ///< from 1, in bytes; 0 where it is about the whole line
    std::string what;         ///< what is wrong and what would be right; safe to show
    std::string excerpt;      ///< the line itself, as it is in the file; may be empty
};

/// The problem as a person reads it, one to three lines without a closing newline:
/// "FILE:LINE:COLUMN: error: what", the line itself, and a caret under the column. Text from the file is escaped. Of a
/// long line only what is around the column is shown. Where the line or column is 0 that part is left out.
std::string format(const Problem& problem);

/// Names of the host's user database, as the loader asks for them. May block (NSS): never call it from the event loop.
class Names {
  public:
    virtual ~Names() = default;
    /// Nothing where nobody has that name, or nobody could be asked.
    virtual std::optional<uid_t> user(const std::string& name) = 0;
    virtual std::optional<gid_t> group(const std::string& name) = 0;
};

/// The real ones, through getpwnam_r(3), getpwuid_r(3) and getgrnam_r(3).
class SystemNames final : public Names {
  public:
    struct Account {
        uid_t uid;
        gid_t gid; ///< the primary group
    };
    /// Nothing where nobody has that name; fails where nobody could be asked.
    static Result<std::optional<Account>> account(const std::string& name);
    /// Returns the name of the user with this ID, absent if there is none. Fails if the database cannot be queried.
    static Result<std::optional<std::string>> name_of(uid_t uid);

    std::optional<uid_t> user(const std::string& name) override;
    std::optional<gid_t> group(const std::string& name) override;
};

struct Loaded {
    std::optional<Policy> policy;  ///< absent where any problem is an error
    std::vector<Problem> problems; ///< all of them (the first 500), sorted by path, line, column
    bool unresolved = false;       ///< a user or group was not found: its directory may only not be there yet
};

/// Makes a policy of the texts, in their order. Looks at every text to its end: no mistake hides another one, but for
/// a text that is no TOML, which yields that one problem. Asks `names` for each name once.
/// Pure but for `names`. Throws nothing but std::bad_alloc and what `names` throws.
Loaded load(const std::vector<SourceText>& texts, Names& names);

/// The files of a policy directory in their order: managed.d/*.toml, then policy.toml, then policy.d/*.toml, each
/// directory in byte order of the names; a missing file or directory is none, names that start with a dot and names
/// that do not end in ".toml" are passed over. A file over 1 MiB, one that is no regular file, or one that cannot be
/// read is a problem with no line, and counts as an error; so is a directory of more than 1000 files.
struct ReadTexts {
    std::vector<SourceText> texts;
    std::vector<Problem> problems;
};
ReadTexts read_texts(const std::filesystem::path& directory);

/// One file, under the same bounds; here a missing file is a problem.
std::expected<SourceText, Problem> read_text(const std::filesystem::path& file, Tier tier);

} // namespace sesslimit::policy
