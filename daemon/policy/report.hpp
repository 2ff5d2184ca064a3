// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/document.hpp"
#include "daemon/policy/load.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::policy {

/// Maximum number of stored errors and warnings about the policy files. Without a bound, the errors in a file from a
/// faulty generator could exhaust memory.
inline constexpr std::size_t max_problems = 500;

/// The collector of errors and warnings about one policy file. Its callers compose the messages. They must quote text
/// from the file with in_quotes(), which escapes it for display.
class Report {
  public:
    /// `path` and `lines` are the path and the lines of the policy file. The errors and warnings are appended to
    /// `problems`. Lifetime: `lines` and `problems` must outlive the report.
    Report(std::string path, const std::vector<std::string_view>& lines, std::vector<Problem>& problems)
        : path_(std::move(path)), lines_(lines), problems_(problems) {}

    void error(SourceLocation at, std::string what) { add(Problem::Severity::error, at, std::move(what)); }
    void warning(SourceLocation at, std::string what) { add(Problem::Severity::warning, at, std::move(what)); }

    /// Returns the location in the policy file of the byte at `offset` in a string. `offset` must be at most the size
    /// of the string. If escape sequences in the string make the location of the byte ambiguous, returns the location
    /// of the whole string.
    [[nodiscard]] SourceLocation inside(const Node& text, std::size_t offset) const;

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    void add(Problem::Severity severity, SourceLocation at, std::string what);

    std::string path_;
    const std::vector<std::string_view>& lines_;
    std::vector<Problem>& problems_;
};

/// Returns text from a policy file in quotation marks, escaped for display and truncated to 80 bytes.
std::string in_quotes(std::string_view text);

/// Returns the word in `known` that differs from `word` by the fewest typing errors. Returns an empty string if every
/// word in `known` differs by too many typing errors.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

/// Joins words with commas, and with `last` before the final word. With `last` = " or ", four words become "a, b, c or
/// d".
std::string listed(std::span<const std::string_view> words, std::string_view last);

/// Returns the end of an error message about an unknown word. The end is `; did you mean "x"?` if a word in `known` is
/// similar, and "; expected one of a, b and c" otherwise.
std::string suggestion(std::string_view word, std::span<const std::string_view> known);

} // namespace sesslimit::policy
