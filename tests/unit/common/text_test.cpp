// SPDX-License-Identifier: MIT
#include "common/text.hpp"
#include "tests/unit/support/cmocka.hpp"

namespace {

using namespace sesslimit;
using namespace std::string_view_literals;

struct Case {
    std::string_view text;
    std::string_view shown;
};

struct Cut {
    std::string_view text;
    std::size_t limit;
    std::string_view shown;
};

SESSLIMIT_TEST(printable_text_unchanged) {
    constexpr std::string_view texts[] = {
        "",
        "alice",
        "a b~!\"#$%&'()*+,-./:;<=>?@[]^_`{|}",
        "J\xC3\xBCrgen",             // two bytes
        "\xE2\x82\xAC \xE6\x97\xA5", // three bytes
        "\xF0\x9F\x98\x80",          // four bytes
        "\xC2\xA1\xED\x9F\xBF",      // the first after the no-break space, the last before the surrogates
    };
    for (const std::string_view text : texts) {
        EXPECT_TEXT(escape_for_display(text), text);
    }
}

SESSLIMIT_TEST(invisible_and_control_characters_escaped) {
    constexpr Case cases[] = {
        {"\0"sv, "\\x00"},
        {"a\nb\r\tc", "a\\x0ab\\x0d\\x09c"},
        {"\x1B[2J", "\\x1b[2J"},
        {"\x7F", "\\x7f"},
        {"\\x41", "\\x5cx41"},
        {"\xC2\x80\xC2\x9B\xC2\x9F", "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f"}, // C1 controls, including CSI
        {"\xC2\xA0", "\\xc2\\xa0"},                                     // no-break space
        {"\xC2\xAD", "\\xc2\\xad"},                                     // soft hyphen
        {"\xD8\x9C", "\\xd8\\x9c"},                                     // Arabic letter mark
        {"\xE2\x80\x8B", "\\xe2\\x80\\x8b"},                            // zero width space
        {"\xE2\x80\x8F", "\\xe2\\x80\\x8f"},                            // right-to-left mark
        {"\xE2\x80\xA8", "\\xe2\\x80\\xa8"},                            // line separator
        {"\xE2\x80\xAE", "\\xe2\\x80\\xae"},                            // right-to-left override
        {"\xE2\x81\xA6\xE2\x81\xA9", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9"}, // isolates
        {"\xEF\xBB\xBF", "\\xef\\xbb\\xbf"},                            // byte order mark
        {"\xEE\x80\x80", "\\xee\\x80\\x80"},                            // private use
        {"\xEF\xBF\xBF", "\\xef\\xbf\\xbf"},                            // noncharacter U+FFFF
        {"\xF0\x9F\xBF\xBE", "\\xf0\\x9f\\xbf\\xbe"},                   // noncharacter U+1FFFE
        {"\xF3\xA0\x80\xA1", "\\xf3\\xa0\\x80\\xa1"},                   // tag
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(escape_for_display(one.text), one.shown);
    }
}

SESSLIMIT_TEST(malformed_utf8_escaped_per_byte) {
    constexpr Case cases[] = {
        {"\x80", "\\x80"},                                     // not a lead byte
        {"\xFF\xFE", "\\xff\\xfe"},                            // invalid in UTF-8
        {"\xC0\x80", "\\xc0\\x80"},                            // overlong NUL
        {"\xC1\xBF", "\\xc1\\xbf"},                            // overlong
        {"\xE0\x9F\xBF", "\\xe0\\x9f\\xbf"},                   // overlong
        {"\xF0\x8F\xBF\xBF", "\\xf0\\x8f\\xbf\\xbf"},          // overlong
        {"\xED\xA0\x80", "\\xed\\xa0\\x80"},                   // surrogate
        {"\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},          // above U+10FFFF
        {"\xF8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"}, // five bytes
        {"\xC3", "\\xc3"},                                     // truncated
        {"\xE2\x82", "\\xe2\\x82"},                            // truncated
        {"\xC3(\xC3\xBC", "\\xc3(\xC3\xBC"},                   // continues after it
        {"\xF0\x9F\x98\xC3\xBC", "\\xf0\\x9f\\x98\xC3\xBC"},   // continues after it
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(escape_for_display(one.text), one.shown);
    }
}

SESSLIMIT_TEST(case_D10_valid_utf8_unchanged_for_programs) {
    constexpr std::string_view texts[] = {
        "",
        "CORP\\alice",
        "J\xC3\xBCrgen",
        "a\n\x1B[2J\x7F\xC2\x9B",   // control characters
        "\xE2\x80\xAE\xEE\x80\x80", // right-to-left override, private use
    };
    for (const std::string_view text : texts) {
        EXPECT_TEXT(as_utf8(text), text);
    }
    constexpr Case cases[] = {
        {"\xFF\\a", "\\xff\\a"},
        {"\xC3(", "\\xc3("},
        {"a\0b"sv, "a\\x00b"},
        {"\xEF\xBF\xBF", "\\xef\\xbf\\xbf"}, // noncharacter U+FFFF, rejected by sd-bus
        {"\xEF\xB7\x90", "\\xef\\xb7\\x90"}, // noncharacter U+FDD0
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(as_utf8(one.text), one.shown);
        EXPECT_TEXT(as_journal_field(one.text), one.shown);
    }
    EXPECT_TEXT(as_utf8("ab\xC3\xBC", 3), "ab");
    EXPECT_TEXT(as_journal_field("CORP\\J\xC3\xBC\n\x1B\x7F\xC2\x9B\xE2\x80\xAE"),
                "CORP\\J\xC3\xBC\\x0a\\x1b\\x7f\\xc2\\x9b\\xe2\\x80\\xae");
}

SESSLIMIT_TEST(case_D10_json_text_escaped_without_loss) {
    constexpr Case cases[] = {
        {"[\n \"CORP\\\\J\xC3\xBC\"]", "[\n \"CORP\\\\J\xC3\xBC\"]"},
        {"\x7F\xC2\x80\xC2\x9F", "\\u007f\\u0080\\u009f"},
        {"\xE2\x80\xAE", "\\u202e"},
        {"\xF3\xA0\x80\xA1", "\\udb40\\udc21"}, // tag, U+E0021
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(escape_json_for_display(one.text), one.shown);
    }
}

SESSLIMIT_TEST(text_cut_between_whole_characters) {
    constexpr Cut cases[] = {
        {"abcdef", 6, "abcdef"},
        {"abcdefg", 6, "abc..."},
        {"abcdefghijkl", 6, "abc..."},
        {"ab\n", 6, "ab\\x0a"},
        {"abc\n", 6, "abc..."},
        {"ab\n\n", 6, "ab..."},
        {"ab\xC3\xBC\xC3\xBC", 6, "ab\xC3\xBC\xC3\xBC"},
        {"ab\xC3\xBC\xC3\xBCx", 6, "ab..."},
        {"abcd", 3, "..."},
        {"abcd", 2, ".."},
        {"a", 0, ""},
        {"", 0, ""},
        {"\n", 3, "..."},
    };
    for (const Cut& one : cases) {
        EXPECT_TEXT(escape_for_display(one.text, one.limit), one.shown);
    }
}

SESSLIMIT_TEST(random_bytes_escaped_within_limit) {
    std::uint32_t random = 1;
    for (std::uint32_t round = 0; round < 20000; ++round) {
        std::string text;
        for (std::uint32_t i = 0; i < round % 23; ++i) {
            random = random * 1664525u + 1013904223u;
            text += static_cast<char>(random >> 24);
        }
        const std::size_t limit = round % 40;
        const std::string out = escape_for_display(text, limit);
        EXPECT(out.size() <= limit, out);
        for (const char c : out) {
            EXPECT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, out);
        }
    }
}

} // namespace
