// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/document.hpp"
#include "daemon/policy/load.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::policy {

/// How many problems are kept: a broken generator must not fill the memory.
inline constexpr std::size_t max_problems = 500;

/// Collects what is wrong with one text. Sentences are made by the readers; text from the file goes in through
/// in_quotes().
class Report {
  public:
    /// `lines` are those of the text and outlive the report, as `problems` does.
    Report(std::string path, const std::vector<std::string_view>& lines, std::vector<Problem>& problems)
        : path_(std::move(path)), lines_(lines), problems_(problems) {}

    void error(SourceLocation at, std::string what) { add(Problem::Severity::error, at, std::move(what)); }
    void warning(SourceLocation at, std::string what) { add(Problem::Severity::warning, at, std::move(what)); }

    /// The place of byte `offset` of a text node's value, at most its size; of the node itself where an escape makes
    /// that unclear.
    [[nodiscard]] SourceLocation inside(const Node& text, std::size_t offset) const;

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    void add(Problem::Severity severity, SourceLocation at, std::string what);

    std::string path_;
    const std::vector<std::string_view>& lines_;
    std::vector<Problem>& problems_;
};

/// Text from outside between quotation marks, safe to show.
std::string in_quotes(std::string_view text);

/// Which of `known` somebody may have meant who wrote `word`: one that is few typing errors away; empty for none.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

/// "a, b, c" and, behind `last`, "d": listed(words, " or ").
std::string listed(std::span<const std::string_view> words, std::string_view last);

/// `; did you mean "x"?` where one of `known` is near, else "; expected one of a, b and c".
std::string suggestion(std::string_view word, std::span<const std::string_view> known);

} // namespace sesslimit::policy
