// SPDX-License-Identifier: MIT
#include "common/text.hpp"
#include "daemon/policy/load.hpp"

#include <algorithm>

namespace sesslimit::policy {
namespace {

/// Maximum length in bytes of the part of a policy line that an error message shows.
constexpr std::size_t widest = 150;
constexpr std::size_t before_caret = 80;

bool goes_on(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80; // a continuation byte of UTF-8
}

/// Returns a part of a line of the policy file, escaped for display. Replaces each tab by one blank, so that the caret
/// ("^") in the next line is below the right character.
std::string shown_line(std::string_view part) {
    std::string line(part);
    std::replace(line.begin(), line.end(), '\t', ' ');
    return escape_for_display(line, part.size() * 4);
}

/// Returns the width of an escaped text on a terminal, in columns. Counts each character as one column, even if
/// terminals show it in two.
std::size_t places(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !goes_on(c); }));
}

std::string line_and_caret(std::string_view line, std::uint32_t column) {
    std::size_t caret = std::min<std::size_t>(column == 0 ? 0 : column - 1, line.size());
    std::string mark;
    if (caret > widest - before_caret / 2) {
        std::size_t cut = caret - before_caret;
        while (cut < caret && goes_on(line[cut])) {
            ++cut;
        }
        line.remove_prefix(cut);
        caret -= cut;
        mark = "...";
    }
    std::string text = "\n" + mark + shown_line(line.substr(0, std::min(line.size(), widest)));
    text += line.size() > widest ? "..." : "";
    if (column > 0) {
        text += "\n" + std::string(mark.size() + places(shown_line(line.substr(0, caret))), ' ') + '^';
    }
    return text;
}

} // namespace

bool is_error(const Problem& problem) {
    return problem.severity == Problem::Severity::error;
}

std::string format(const Problem& problem) {
    std::string text = escape_for_display(problem.path, 4096);
    if (problem.line > 0) {
        text += ':' + std::to_string(problem.line);
    }
    if (problem.line > 0 && problem.column > 0) {
        text += ':' + std::to_string(problem.column);
    }
    text += is_error(problem) ? ": error: " : ": warning: ";
    text += problem.what;
    if (problem.line > 0 && !problem.excerpt.empty()) {
        text += line_and_caret(problem.excerpt, problem.column);
    }
    return text;
}

} // namespace sesslimit::policy
