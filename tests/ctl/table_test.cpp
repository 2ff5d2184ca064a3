// SPDX-License-Identifier: MIT
#include "ctl/output/table.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <sstream>

using namespace sesslimit::ctl;

namespace {

Table names_and_hosts() {
    return {.columns = {{"ID", 0, 0}, {"NAME", 4, 2}, {"HOST", 6, 1}, {"END", 0, 0}},
            .rows = {{"1", "alice", "a.very.long.host.example.org", "6h left"}, {"12", "bob", "-", "-"}},
            .paint = {"\033[31m", ""}};
}

Style plain_style(std::optional<std::size_t> width = std::nullopt) {
    Style style;
    style.width = width;
    return style;
}

std::size_t widest_line(const std::string& text) {
    std::istringstream lines(text);
    std::size_t widest = 0;
    for (std::string line; std::getline(lines, line);) {
        widest = std::max(widest, display_width(line));
    }
    return widest;
}

SESSLIMIT_TEST(columns_as_wide_as_cells) {
    EXPECT_TEXT(drawn(names_and_hosts(), plain_style()), "ID NAME  HOST                         END\n"
                                                         "1  alice a.very.long.host.example.org 6h left\n"
                                                         "12 bob   -                            -\n");
}

SESSLIMIT_TEST(widest_column_narrowed_first) {
    EXPECT_TEXT(drawn(names_and_hosts(), plain_style(30)), "ID NAME  HOST          END\n"
                                                           "1  alice a.very.lon... 6h left\n"
                                                           "12 bob   -             -\n");
}

SESSLIMIT_TEST(columns_dropped_when_narrowing_insufficient) {
    EXPECT_TEXT(drawn(names_and_hosts(), plain_style(21)), "ID HOST       END\n"
                                                           "1  a.very.... 6h left\n"
                                                           "12 -          -\n");
    EXPECT_TEXT(drawn(names_and_hosts(), plain_style(10)), "ID END\n1  6h left\n12 -\n");
    EXPECT_TEXT(drawn(names_and_hosts(), plain_style(6)), "ID END\n1  ...\n12 -\n");
}

SESSLIMIT_TEST(lines_never_exceed_width) {
    for (std::size_t width = 1; width < 60; ++width) {
        EXPECT(widest_line(drawn(names_and_hosts(), plain_style(width))) <= width, std::to_string(width));
    }
}

SESSLIMIT_TEST(headings_without_legend_need_no_room) {
    Style style = plain_style();
    style.legend = false;
    EXPECT_TEXT(drawn({.columns = {{"SESSION", 0, 0}, {"B", 0, 0}}, .rows = {{"1", "x"}}, .paint = {}}, style),
                "1 x\n");
}

SESSLIMIT_TEST(color_only_if_enabled) {
    Style style = plain_style();
    EXPECT(drawn(names_and_hosts(), style).find('\033') == std::string::npos, "disabled");
    style.colour = true;
    const std::string text = drawn(names_and_hosts(), style);
    EXPECT(text.starts_with("\033[4mID NAME"), text);
    EXPECT(text.find("\033[31m6h left\033[0m\n") != std::string::npos, text);
    EXPECT(text.ends_with(" -\n"), text);
}

SESSLIMIT_TEST(wide_characters_occupy_two_columns) {
    EXPECT(display_width("alice") == 5, "ASCII");
    EXPECT(display_width("jos\xc3\xa9") == 4, "Latin");
    EXPECT(display_width("\xe6\x97\xa5\xe6\x9c\xac") == 4, "Han");
    EXPECT(display_width("e\xcc\x81") == 1, "combining mark");
    EXPECT_TEXT(fitted("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 5, true), "\xe6\x97\xa5\xe6\x9c\xac…");
    EXPECT_TEXT(fitted("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4, true), "\xe6\x97\xa5…");
    EXPECT_TEXT(fitted("abcdef", 5, false), "ab...");
    EXPECT_TEXT(fitted("abcdef", 2, false), "..");
    EXPECT_TEXT(fitted("abcdef", 0, true), "");
    EXPECT_TEXT(fitted("abcdef", 6, true), "abcdef");
}

SESSLIMIT_TEST(truncated_character_not_read_beyond_end) {
    EXPECT(display_width("a\xe6") == 2, "a lone first byte");
}

} // namespace
