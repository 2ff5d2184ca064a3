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
    std::string path; ///< path of the file as shown in error messages
    Tier tier = Tier::host;
    std::string text;
};

/// An error or a warning about a policy file.
struct Problem {
    enum class Severity : std::uint8_t { error, warning };
    Severity severity = Severity::error;
    std::string path;
    /// Line number of the problem in the file, from 1. 0 if the problem concerns the whole file.
    std::uint32_t line = 0;
    /// Column of the problem in its line, in bytes, from 1. 0 if the problem concerns the whole line.
    std::uint32_t column = 0;
    /// Text of the error or warning, which describes the problem and usually how to correct it. Escaped for display.
    std::string what;
    /// The line of the file that contains the problem, without escaping. May be empty.
    std::string excerpt;
};

bool is_error(const Problem& problem);

/// Formats an error or warning about a policy file for a human reader, in one to three lines without a final newline.
/// The lines are "FILE:LINE:COLUMN: error: DESCRIPTION", the line of the policy file, and a caret below the column.
/// Text from the file is escaped. If the line of the file is long, only the part around the column is shown. A line
/// number or column of 0 is omitted.
std::string format(const Problem& problem);

/// An interface to the host's database of users and groups. Its functions must never be called from the daemon's event
/// loop, because they use NSS and may block.
class Names {
  public:
    virtual ~Names() = default;
    /// user() and group() return the ID of the user or group with this name. They return nullopt if the name does not
    /// exist, or if the database cannot be queried.
    virtual std::optional<uid_t> user(const std::string& name) = 0;
    virtual std::optional<gid_t> group(const std::string& name) = 0;
};

/// The database of users and groups of the host, queried with getpwnam_r(3), getpwuid_r(3) and getgrnam_r(3).
class SystemNames final : public Names {
  public:
    struct Account {
        uid_t uid;
        gid_t gid; ///< the primary group
    };
    /// Returns the IDs of the user with this name, or nullopt if the user does not exist. Fails if the user database
    /// cannot be queried.
    static Result<std::optional<Account>> account(const std::string& name);
    /// Returns the name of the user with this ID, or nullopt if the user does not exist. Fails if the user database
    /// cannot be queried.
    static Result<std::optional<std::string>> name_of(uid_t uid);

    std::optional<uid_t> user(const std::string& name) override;
    std::optional<gid_t> group(const std::string& name) override;
};

/// The result of load().
struct Loaded {
    /// The loaded policy. Absent if the policy files contain an error.
    std::optional<Policy> policy;
    /// Errors and warnings about the policy files, sorted by path, line and column. If more than 500 occur, the others
    /// are replaced by one error, which reports that they are omitted.
    std::vector<Problem> problems;
    /// True if a user or group in the policy was not found. The directory service that provides it may not be available
    /// yet.
    bool unresolved = false;
};

/// Parses the texts of policy files, in the given order, into one policy. Looks up each user and group in `names` once.
/// Pure except for `names`. Throws only std::bad_alloc and exceptions of `names`.
///
/// The result contains all errors of all texts, with two exceptions. Of a text that is not valid TOML, it contains only
/// the first syntax error. Of a text in an unsupported version of the policy language, it contains only the error about
/// the version.
Loaded load(const std::vector<SourceText>& texts, Names& names);

/// Maximum size of a policy file in bytes.
inline constexpr std::size_t max_file_size = std::size_t{1024} * 1024;

/// Reads a policy file from its current position to its end. Errors: EFBIG if it is longer than max_file_size, or the
/// error of read(2).
Result<std::string> read_all(int fd);

/// Returns true if a file with this name in managed.d or policy.d is a policy file.
bool is_file_name(std::string_view name);

/// The texts of the policy files in a directory, in this order: managed.d/*.toml, then policy.toml, then
/// policy.d/*.toml. The files in managed.d and in policy.d are sorted by name, in byte order. A missing file or
/// directory is treated as empty. Names that start with a dot or do not end in ".toml" are ignored.
///
/// Each of the following in a policy directory is an error without a line number:
/// - a file over 1 MiB
/// - a file that is not a regular file
/// - a file or subdirectory that cannot be read
/// - a subdirectory with more than 1000 policy files
struct ReadTexts {
    std::vector<SourceText> texts;
    std::vector<Problem> problems;
};
ReadTexts read_texts(const std::filesystem::path& directory);

/// Parses the texts of the files like load(). The problems of the result are those of the files, followed by those of
/// their texts. There is no policy if one of them is an error.
Loaded load_files(const ReadTexts& read, Names& names);

/// Replaces the text of the policy file with the path of `text`, or inserts `text` if there is none. The file must be
/// in policy.d. `texts` must be in the order of read_texts().
void put_text(std::vector<SourceText>& texts, SourceText text);

/// Returns the SHA-256 digest of a text as 64 hexadecimal digits in lower case.
std::string sha256(std::string_view text);

/// Returns a text that identifies the paths and contents of policy files, and thereby their tiers. It is the SHA-256
/// digest of the output of sha256sum(1) for the files in this order.
std::string digest(const std::vector<SourceText>& texts);

/// Reads one policy file. Returns a problem if the file is missing, cannot be read, is not a regular file, or is larger
/// than 1 MiB.
std::expected<SourceText, Problem> read_text(const std::filesystem::path& file, Tier tier);

} // namespace sesslimit::policy
