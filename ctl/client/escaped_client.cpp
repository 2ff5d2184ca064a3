// SPDX-License-Identifier: MIT
#include "ctl/client/escaped_client.hpp"

#include "common/text.hpp"

#include <algorithm>

namespace sesslimit::ctl {
namespace {

constexpr std::size_t max_line_length = 4096;
constexpr std::size_t max_lines = 2000;
constexpr std::string_view cut_mark = "...";

} // namespace

std::string safe(std::string_view text) {
    std::string out;
    while (out.size() < max_line_length) {
        const std::size_t piece = std::min(text.find('\\'), text.size());
        out += escape_for_display(text.substr(0, piece), max_line_length - out.size());
        if (piece == text.size()) {
            return out;
        }
        out += '\\';
        text.remove_prefix(piece + 1);
    }
    if (!text.empty() && !out.ends_with(cut_mark)) {
        out += cut_mark;
    }
    return out;
}

std::string safe_lines(std::string_view text) {
    std::string out;
    for (std::size_t line = 0; line < max_lines; ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        out += safe(text.substr(0, end));
        if (end == text.size()) {
            return out;
        }
        out += '\n';
        text.remove_prefix(end + 1);
    }
    return out + std::string(cut_mark);
}

} // namespace sesslimit::ctl
