// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::ctl {

/// How many places of a terminal a text takes, which is safe to show: wide letters take two, combining marks none.
std::size_t display_width(std::string_view text);

/// The text in at most `width` places; what is cut is shown by a mark at the end.
std::string fitted(std::string_view text, std::size_t width, bool unicode);

struct Column {
    std::string heading;
    std::size_t least = 0; ///< places that it can be narrowed to; 0: it is never narrowed
    unsigned leaves = 0;   ///< when room is short columns leave the table, the highest number first; 0 stays
};

/// Rows under headings, in the order of the columns.
struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<std::string>> rows; ///< each as long as `columns`
    std::vector<std::string> paint;             ///< an escape sequence for the last cell of each row; empty: none
};

/// One line a row, no blanks at its end. Where the style has a width, no line is longer: first the columns that may be
/// narrowed are, the widest of them first, then columns leave, and what is still too long is cut.
std::string drawn(const Table& table, const Style& style);

} // namespace sesslimit::ctl
