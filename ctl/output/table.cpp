// SPDX-License-Identifier: MIT
#include "ctl/output/table.hpp"

#include "ctl/client/escaped_client.hpp"

#include <clocale>
#include <cwchar>

#include <algorithm>
#include <numeric>
#include <optional>

namespace sesslimit::ctl {
namespace {

constexpr std::size_t gap = 1;
constexpr std::string_view underline = "\033[4m";
constexpr std::string_view plain = "\033[0m";

/// Returns the length in bytes of the character at the start of `text`, which must be well-formed UTF-8 and not empty.
std::size_t length_of_first(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    return std::min(length, text.size());
}

wchar_t decoded(std::string_view character) {
    if (character.size() == 1) {
        return static_cast<wchar_t>(static_cast<unsigned char>(character.front()));
    }
    unsigned code = static_cast<unsigned char>(character.front()) & (0x7Fu >> character.size());
    for (const char c : character.substr(1)) {
        code = code << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
    }
    return static_cast<wchar_t>(code);
}

/// A scope guard that selects a locale in which wcwidth(3) knows all characters. The width of a text then does not
/// depend on the user's locale.
class EveryCharacter {
  public:
    EveryCharacter() : kept_(uselocale(locale_)) {}
    EveryCharacter(const EveryCharacter&) = delete;
    EveryCharacter& operator=(const EveryCharacter&) = delete;
    ~EveryCharacter() { uselocale(kept_); }

  private:
    static inline const locale_t locale_ = newlocale(LC_CTYPE_MASK, "C.UTF-8", static_cast<locale_t>(nullptr));
    locale_t kept_;
};

std::size_t width_of(wchar_t character) {
    const int width = wcwidth(character);
    return width < 0 ? 1 : static_cast<std::size_t>(width);
}

std::string padded(const std::string& cell, std::size_t width) {
    const std::size_t taken = display_width(cell);
    return cell + std::string(taken < width ? width - taken : 0, ' ');
}

using Widths = std::vector<std::size_t>; // Widths of all columns.

Widths natural_widths(const Table& table, bool headings) {
    Widths widths(table.columns.size());
    for (std::size_t i = 0; i < widths.size(); ++i) {
        widths[i] = headings ? display_width(table.columns[i].heading) : 0;
        for (const auto& row : table.rows) {
            widths[i] = std::max(widths[i], display_width(row[i]));
        }
    }
    return widths;
}

std::size_t total(const Widths& widths) {
    return std::accumulate(widths.begin(), widths.end(), (widths.size() - 1) * gap);
}

std::size_t least_width(const Column& column, bool headings) {
    return headings ? std::max(column.least, display_width(column.heading)) : column.least;
}

/// Returns the index of the widest table column that can still be narrowed, or nullopt if all columns have their
/// minimum width.
std::optional<std::size_t> next_to_narrow(const Table& table, const Widths& widths, bool headings) {
    std::optional<std::size_t> next;
    for (std::size_t i = 0; i < widths.size(); ++i) {
        const Column& column = table.columns[i];
        if (column.least > 0 && widths[i] > least_width(column, headings) && (!next || widths[i] > widths[*next])) {
            next = i;
        }
    }
    return next;
}

void narrow(const Table& table, Widths& widths, std::size_t room, bool headings) {
    while (total(widths) > room) {
        const auto next = next_to_narrow(table, widths, headings);
        if (!next) {
            return;
        }
        --widths[*next];
    }
}

/// Returns the index of the table column to be removed next, or nullopt if all remaining columns must stay.
std::optional<std::size_t> next_to_leave(const Table& table) {
    const auto next = std::ranges::max_element(table.columns, {}, &Column::leaves);
    if (next == table.columns.end() || next->leaves == 0) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(next - table.columns.begin());
}

void leave(Table& table, std::size_t column) {
    const auto at = static_cast<std::ptrdiff_t>(column);
    table.columns.erase(table.columns.begin() + at);
    for (auto& row : table.rows) {
        row.erase(row.begin() + at);
    }
}

Widths fitting_widths(Table& table, const Style& style) {
    Widths widths = natural_widths(table, style.legend);
    if (style.width && total(widths) > *style.width) {
        const auto extra = std::ranges::find(table.columns, true, &Column::is_extra);
        if (extra != table.columns.end()) {
            leave(table, static_cast<std::size_t>(extra - table.columns.begin()));
            widths = natural_widths(table, style.legend);
        }
    }
    while (style.width && total(widths) > *style.width) {
        narrow(table, widths, *style.width, style.legend);
        const auto next = next_to_leave(table);
        if (total(widths) <= *style.width || !next) {
            break;
        }
        leave(table, *next);
        widths = natural_widths(table, style.legend);
    }
    return widths;
}

std::string line_of(const std::vector<std::string>& cells, const Widths& widths, const Style& style) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const bool last = i + 1 == cells.size();
        const std::string cell = fitted(cells[i], widths[i], style.unicode);
        line += last ? cell : padded(cell, widths[i]) + std::string(gap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return style.width ? fitted(line, *style.width, style.unicode) : line;
}

/// Returns a line of a table with the escape sequence `paint` before its last cell, which changes the color of this
/// cell.
std::string painted(const std::string& line, const std::string& cell, const std::string& paint) {
    if (paint.empty() || !line.ends_with(cell)) {
        return line;
    }
    return line.substr(0, line.size() - cell.size()) + paint + cell + std::string(plain);
}

} // namespace

std::size_t display_width(std::string_view text) {
    const EveryCharacter known;
    std::size_t width = 0;
    while (!text.empty()) {
        const std::size_t length = length_of_first(text);
        width += width_of(decoded(text.substr(0, length)));
        text.remove_prefix(length);
    }
    return width;
}

std::string fitted(std::string_view text, std::size_t width, bool unicode) {
    if (display_width(text) <= width) {
        return std::string(text);
    }
    const std::string_view mark = unicode ? "…" : width >= 3 ? "..." : std::string_view("...").substr(0, width);
    const std::size_t room = width - std::min(width, display_width(mark));
    const EveryCharacter known;
    std::string out;
    std::size_t taken = 0;
    while (!text.empty()) {
        const std::size_t length = length_of_first(text);
        taken += width_of(decoded(text.substr(0, length)));
        if (taken > room) {
            break;
        }
        out += text.substr(0, length);
        text.remove_prefix(length);
    }
    return width == 0 ? "" : out + std::string(mark);
}

std::string aligned(const std::vector<std::pair<std::string, std::string>>& lines) {
    std::size_t widest = 0;
    for (const auto& [key, value] : lines) {
        widest = std::max(widest, key.size());
    }
    std::string text;
    for (const auto& [key, value] : lines) {
        text.append(widest - key.size(), ' ').append(key).append(": ").append(safe(value)).append("\n");
    }
    return text;
}

std::string drawn(const Table& table, const Style& style) {
    Table fitting = table;
    for (auto& row : fitting.rows) {
        std::ranges::transform(row, row.begin(), safe);
    }
    const Widths widths = fitting_widths(fitting, style);
    std::string text;
    if (style.legend) {
        std::vector<std::string> headings;
        std::ranges::transform(fitting.columns, std::back_inserter(headings), &Column::heading);
        const std::string line = line_of(headings, widths, style);
        text += style.colour ? std::string(underline) + line + std::string(plain) : line;
        text += '\n';
    }
    for (std::size_t i = 0; i < fitting.rows.size(); ++i) {
        const std::string line = line_of(fitting.rows[i], widths, style);
        const bool paint = style.colour && i < fitting.paint.size();
        text += paint ? painted(line, fitting.rows[i].back(), fitting.paint[i]) : line;
        text += '\n';
    }
    return text;
}

} // namespace sesslimit::ctl
