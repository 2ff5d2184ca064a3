// SPDX-License-Identifier: MIT
#include "daemon/policy/report.hpp"

#include "common/text.hpp"

#include <algorithm>
#include <array>

namespace sesslimit::policy {
namespace {

constexpr std::size_t max_word_length = 40;

constexpr bool same_letter(char a, char b) {
    const auto plain = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '-' ? '_' : c;
    };
    return plain(a) == plain(b);
}

/// Returns the smallest number of typing errors by which two words differ. A typing error is an insertion, a deletion,
/// a replacement, or a swap of two neighboring letters. Each word must have at most max_word_length bytes.
std::size_t typing_errors(std::string_view a, std::string_view b) {
    using Row = std::array<std::size_t, max_word_length + 1>;
    Row before{};
    Row last{};
    Row now{};
    for (std::size_t j = 0; j <= b.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (same_letter(a[i - 1], b[j - 1]) ? 0 : 1);
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1])) {
                now[j] = std::min(now[j], before[j - 2] + 1);
            }
        }
        before = last;
        last = now;
    }
    return last[b.size()];
}

} // namespace

void Report::add(Problem::Severity severity, SourceLocation at, std::string what) {
    if (problems_.size() > max_problems) {
        return;
    }
    if (problems_.size() == max_problems) {
        problems_.push_back(
            {Problem::Severity::error, path_, 0, 0, "too many problems; the remaining ones are not shown", ""});
        return;
    }
    const bool has_line = at.line > 0 && at.line <= lines_.size();
    problems_.push_back({severity, path_, at.line, at.column, std::move(what),
                         has_line ? std::string(lines_[at.line - 1]) : std::string()});
}

SourceLocation Report::inside(const Node& text, std::size_t offset) const {
    if (text.at.line == 0 || text.at.line > lines_.size() || text.at.column == 0) {
        return text.at;
    }
    std::size_t line = text.at.line - 1;
    std::size_t first = std::min<std::size_t>(text.at.column - 1, lines_[line].size());
    const std::string_view opening = lines_[line].substr(first, 3);
    const bool over_lines = opening == "\"\"\"" || opening == "'''";
    first += over_lines ? 3 : 1;
    // If a line break directly follows the opening triple quotes of a string, TOML does not count it as a part of the
    // string.
    if (over_lines && first == lines_[line].size()) {
        ++line;
        first = 0;
    }
    for (std::string_view rest = text.text; line < lines_.size() && first <= lines_[line].size(); ++line, first = 0) {
        const std::string_view written = lines_[line].substr(first);
        const std::string_view part = rest.substr(0, rest.find('\n'));
        if (offset <= part.size()) {
            const bool as_written = written.starts_with(part.substr(0, offset + 1));
            return as_written ? SourceLocation{static_cast<std::uint32_t>(line + 1),
                                               static_cast<std::uint32_t>(first + offset + 1)}
                              : text.at;
        }
        if (written != part) {
            break;
        }
        offset -= part.size() + 1;
        rest.remove_prefix(part.size() + 1);
    }
    return text.at;
}

std::string in_quotes(std::string_view text) {
    return '"' + escape_for_display(text, 80) + '"';
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
    if (word.size() > max_word_length) {
        return {};
    }
    std::string_view best;
    std::size_t best_errors = word.size() <= 4 ? 2 : word.size() <= 8 ? 3 : 4; // exclusive bound
    for (const std::string_view candidate : known) {
        if (candidate.size() > max_word_length) {
            continue;
        }
        const std::size_t errors = typing_errors(word, candidate);
        if (errors < best_errors) {
            best = candidate;
            best_errors = errors;
        }
    }
    return best;
}

std::string listed(std::span<const std::string_view> words, std::string_view last) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        text += i == 0 ? "" : i + 1 == words.size() ? last : ", ";
        text += words[i];
    }
    return text;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
    const std::string_view meant = nearest(word, known);
    return meant.empty() ? "; expected one of " + listed(known, " and ") : "; did you mean " + in_quotes(meant) + '?';
}

} // namespace sesslimit::policy
