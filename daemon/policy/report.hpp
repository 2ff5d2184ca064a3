// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/document.hpp"
#include "daemon/policy/load.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::policy {

/// Maximum number of problems stored, so that a broken generator cannot exhaust memory.
inline constexpr std::size_t max_problems = 500;

/// A collector of the problems of one text. The functions that read values write the sentences, and quote text from the
/// file with in_quotes().
class Report {
  public:
    /// `lines` are the lines of the text. Lifetime: `lines` and `problems` must outlive the report.
    Report(std::string path, const std::vector<std::string_view>& lines, std::vector<Problem>& problems)
        : path_(std::move(path)), lines_(lines), problems_(problems) {}

    void error(SourceLocation at, std::string what) { add(Problem::Severity::error, at, std::move(what)); }
    void warning(SourceLocation at, std::string what) { add(Problem::Severity::warning, at, std::move(what)); }

    /// Returns the location of byte `offset` in a text node's value. `offset` is at most the size of the value. Returns
    /// the location of the node itself if an escape sequence makes the position ambiguous.
    [[nodiscard]] SourceLocation inside(const Node& text, std::size_t offset) const;

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    void add(Problem::Severity severity, SourceLocation at, std::string what);

    std::string path_;
    const std::vector<std::string_view>& lines_;
    std::vector<Problem>& problems_;
};

/// Returns text from outside in quotation marks, escaped for display.
std::string in_quotes(std::string_view text);

/// Returns the entry of `known` that is a few typing errors away from `word`, or an empty view if such an entry does
/// not exist.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

/// Joins words as "a, b, c" with `last` before the final one: listed(words, " or ") gives "a, b, c or d".
std::string listed(std::span<const std::string_view> words, std::string_view last);

/// Returns `; did you mean "x"?` if an entry of `known` is similar, else "; known are a, b and c".
std::string suggestion(std::string_view word, std::span<const std::string_view> known);

} // namespace sesslimit::policy
