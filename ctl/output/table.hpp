// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sesslimit::ctl {

/// Returns the number of terminal columns that an escaped text occupies. Wide characters occupy two columns, and
/// combining marks none.
std::size_t display_width(std::string_view text);

/// Truncates the text to at most `width` terminal columns. An ellipsis at the end shows the truncation.
std::string fitted(std::string_view text, std::size_t width, bool unicode);

/// A column of a table.
struct Column {
    std::string heading;
    std::size_t least = 0; ///< Minimum width in terminal columns; 0 if the column cannot be narrowed.
    unsigned leaves = 0;   ///< Removal priority if the table is too wide; a column with 0 is never removed.
    bool is_extra = false; ///< True if the column is removed before any other is narrowed.
};

/// A table of headings and rows. The cells of each row are in the order of the columns.
struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<std::string>> rows; ///< Cells of each row, one for each column.
    std::vector<std::string> paint;             ///< Escape sequence for the last cell of each row; empty for none.
};

/// Formats lines of the form `Key: value`, with the colons below each other. The values are passed through safe().
std::string aligned(const std::vector<std::pair<std::string, std::string>>& lines);

/// Formats a table with one line per row and all cells passed through safe() (ctl/client/escaped_client.hpp), without
/// blanks at the end of a line. If the style has a width, no line is longer than this width. An extra column
/// is removed first. Then columns are narrowed, beginning with the widest. Then columns are removed. Lines that are
/// still too long are truncated.
std::string drawn(const Table& table, const Style& style);

} // namespace sesslimit::ctl
