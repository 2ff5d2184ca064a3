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

void columns_are_as_wide_as_their_cells() {
    EXPECT_TEXT(drawn(names_and_hosts(), plain_style()), "ID NAME  HOST                         END\n"
                                                         "1  alice a.very.long.host.example.org 6h left\n"
                                                         "12 bob   -                            -\n");
}

void the_widest_column_gives_way_first() {
    EXPECT_TEXT(drawn(names_and_hosts(), plain_style(30)), "ID NAME  HOST          END\n"
                                                           "1  alice a.very.lon... 6h left\n"
                                                           "12 bob   -             -\n");
}

void columns_leave_when_narrowing_does_not_do() {
    EXPECT_TEXT(drawn(names_and_hosts(), plain_style(21)), "ID HOST       END\n"
                                                           "1  a.very.... 6h left\n"
                                                           "12 -          -\n");
    EXPECT_TEXT(drawn(names_and_hosts(), plain_style(10)), "ID END\n1  6h left\n12 -\n");
    EXPECT_TEXT(drawn(names_and_hosts(), plain_style(6)), "ID END\n1  ...\n12 -\n");
}

void no_line_is_wider_than_the_terminal() {
    for (std::size_t width = 1; width < 60; ++width) {
        EXPECT(widest_line(drawn(names_and_hosts(), plain_style(width))) <= width, std::to_string(width));
    }
}

void without_legend_the_headings_take_no_room() {
    Style style = plain_style();
    style.legend = false;
    EXPECT_TEXT(drawn({.columns = {{"SESSION", 0, 0}, {"B", 0, 0}}, .rows = {{"1", "x"}}, .paint = {}}, style),
                "1 x\n");
}

void colour_only_where_it_is_wanted() {
    Style style = plain_style();
    EXPECT(drawn(names_and_hosts(), style).find('\033') == std::string::npos, "not wanted");
    style.colour = true;
    const std::string text = drawn(names_and_hosts(), style);
    EXPECT(text.starts_with("\033[4mID NAME"), text);
    EXPECT(text.find("\033[31m6h left\033[0m\n") != std::string::npos, text);
    EXPECT(text.ends_with(" -\n"), text);
}

void wide_letters_take_two_places() {
    EXPECT(display_width("alice") == 5, "ASCII");
    EXPECT(display_width("jos\xc3\xa9") == 4, "Latin");
    EXPECT(display_width("\xe6\x97\xa5\xe6\x9c\xac") == 4, "Han");
    EXPECT(display_width("e\xcc\x81") == 1, "a combining mark");
    EXPECT_TEXT(fitted("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 5, true), "\xe6\x97\xa5\xe6\x9c\xac…");
    EXPECT_TEXT(fitted("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4, true), "\xe6\x97\xa5…");
    EXPECT_TEXT(fitted("abcdef", 5, false), "ab...");
    EXPECT_TEXT(fitted("abcdef", 2, false), "..");
    EXPECT_TEXT(fitted("abcdef", 0, true), "");
    EXPECT_TEXT(fitted("abcdef", 6, true), "abcdef");
}

void a_character_that_is_cut_off_is_not_read_beyond() {
    EXPECT(display_width("a\xe6") == 2, "a lone first byte");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(columns_are_as_wide_as_their_cells),
        SESSLIMIT_TEST(the_widest_column_gives_way_first),
        SESSLIMIT_TEST(columns_leave_when_narrowing_does_not_do),
        SESSLIMIT_TEST(no_line_is_wider_than_the_terminal),
        SESSLIMIT_TEST(without_legend_the_headings_take_no_room),
        SESSLIMIT_TEST(colour_only_where_it_is_wanted),
        SESSLIMIT_TEST(wide_letters_take_two_places),
        SESSLIMIT_TEST(a_character_that_is_cut_off_is_not_read_beyond),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
