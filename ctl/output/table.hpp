// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::ctl {

/// Returns the number of terminal columns of an escaped text. Wide characters have two columns, combining marks none.
std::size_t display_width(std::string_view text);

/// Truncates the text to at most `width` terminal columns. A mark at the end shows the truncation.
std::string fitted(std::string_view text, std::size_t width, bool unicode);

/// A column of a table.
struct Column {
    std::string heading;
    std::size_t least = 0; ///< minimum width in terminal columns; 0: cannot be narrowed
    unsigned leaves = 0;   ///< order of removal if the table is too wide, the highest number first; 0: never removed
};

/// Rows under headings, in the order of the columns.
struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<std::string>> rows; ///< each as long as `columns`
    std::vector<std::string> paint;             ///< escape sequence for the last cell of each row; empty: none
};

/// Formats one line per row, without blanks at its end. If the style has a width, no line is longer. Columns are
/// narrowed first, the widest of them first. Then columns are removed. Lines that are still too long are truncated.
std::string drawn(const Table& table, const Style& style);

} // namespace sesslimit::ctl
