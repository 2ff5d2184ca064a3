// SPDX-License-Identifier: MIT
#include "fleet/keys.hpp"
#include "tests/unit/support/cmocka.hpp"

namespace sesslimit::fleet {
namespace {

using namespace std::string_view_literals;

const Keys keys("prod", "web-1.example");

SESSLIMIT_TEST(names_are_escaped_and_unescaped) {
    struct Case {
        std::string_view name, escaped;
    };
    constexpr Case cases[] = {
        {"alice", "alice"},     {"a.b-c_D9", "a.b-c_D9"},         {"a/b", "a%2Fb"},
        {"50%", "50%25"},       {"J\xC3\xBCrgen", "J%C3%BCrgen"}, {"\xFF\x00"sv, "%FF%00"},
        {"a b@c", "a%20b%40c"},
    };
    for (const auto& [name, escaped] : cases) {
        EXPECT_TEXT(escape_name(name), escaped);
        EXPECT(unescape_name(escaped) == name, escaped);
    }
}

SESSLIMIT_TEST(only_the_canonical_form_is_unescaped) {
    for (const std::string_view text : {"%", "%4", "a%", "%2", "%2f", "%41", "%G0", "a/b", "a b", "%%25", "\xC3\xBC"}) {
        EXPECT(!unescape_name(text), text);
    }
}

SESSLIMIT_TEST(names_of_hosts_and_fleets_are_bounded) {
    for (const std::string_view name : {"a", "web-1.example", "_"}) {
        EXPECT(is_valid_name(name), name);
    }
    EXPECT(is_valid_name(std::string(max_name, 'x')), "longest");
    EXPECT(!is_valid_name(std::string(max_name + 1, 'x')), "too long");
    for (const std::string_view name : {"", "a/b", "a b", "\xC3\xBC", "a%20"}) {
        EXPECT(!is_valid_name(name), name);
    }
}

SESSLIMIT_TEST(keys_have_the_documented_form) {
    EXPECT_TEXT(keys.slot("alice", 3), "/sesslimit/1/prod/p/alice/0003");
    EXPECT_TEXT(keys.slot("a/b", 1000), "/sesslimit/1/prod/p/a%2Fb/1000");
    EXPECT_TEXT(keys.session(77), "/sesslimit/1/prod/h/web-1.example/s/77");
    EXPECT_TEXT(keys.host_record(), "/sesslimit/1/prod/n/web-1.example");
    EXPECT_TEXT(keys.ack(5), "/sesslimit/1/prod/h/web-1.example/ack/5");
    EXPECT_TEXT(keys.order(5), "/sesslimit/1/prod/end/5");
    EXPECT_TEXT(keys.session_of("b", 7), "/sesslimit/1/prod/h/b/s/7");
    EXPECT_TEXT(keys.sessions_of("b").first, "/sesslimit/1/prod/h/b/s/");
    EXPECT_TEXT(keys.ack_of("b", 7), "/sesslimit/1/prod/h/b/ack/7");
    EXPECT_TEXT(keys.hosts().first + keys.hosts().end, "/sesslimit/1/prod/n//sesslimit/1/prod/n0");
    EXPECT_TEXT(keys.all_of_hosts().first, "/sesslimit/1/prod/h/");
    EXPECT_TEXT(keys.all_slots().first, "/sesslimit/1/prod/p/");
    EXPECT_TEXT(keys.slots("alice").first, "/sesslimit/1/prod/p/alice/");
    EXPECT_TEXT(keys.slots("alice").end, "/sesslimit/1/prod/p/alice0");
    EXPECT_TEXT(keys.slots("alice", 4).first, "/sesslimit/1/prod/p/alice/0004");
    EXPECT_TEXT(keys.slots("alice", 4).end, "/sesslimit/1/prod/p/alice0");
}

SESSLIMIT_TEST(a_range_contains_the_slots_of_one_user_only) {
    const KeyRange range = keys.slots("alice");
    const auto contains = [&](const std::string& key) { return key >= range.first && key < range.end; };
    EXPECT(contains(keys.slot("alice", 1)) && contains(keys.slot("alice", max_slot)), "own slots");
    for (const std::string_view user : {"alic", "alice2", "alice.x", "alice-", "alice/1", "Alice"}) {
        EXPECT(!contains(keys.slot(user, 1)), user);
    }
}

SESSLIMIT_TEST(keys_are_parsed) {
    EXPECT(keys.parse_slot(keys.slot("a/b", 12)) == (SlotKey{"a/b", 12}), "slot");
    EXPECT(keys.parse_session(keys.session(18446744073709551615U)) == 18446744073709551615U, "session");
    EXPECT(keys.parse_order("/sesslimit/1/prod/end/9") == 9U, "order");
    EXPECT(keys.parse_ack(keys.ack(9)) == 9U && !keys.parse_ack("/sesslimit/1/prod/end/9"), "acknowledgment");
    for (const std::string_view key :
         {"", "/sesslimit/1/prod/p/", "/sesslimit/1/prod/p/alice", "/sesslimit/1/prod/p/alice/",
          "/sesslimit/1/prod/p//0001", "/sesslimit/1/prod/p/alice/1", "/sesslimit/1/prod/p/alice/0000",
          "/sesslimit/1/prod/p/alice/00011", "/sesslimit/1/prod/p/alice/+001", "/sesslimit/1/prod/p/a%2fb/0001",
          "/sesslimit/1/other/p/alice/0001", "/sesslimit/2/prod/p/alice/0001"}) {
        EXPECT(!keys.parse_slot(key), key);
    }
    EXPECT(keys.parse_any_session(keys.session_of("b", 7)) == (HostKey{"b", 7}) &&
               !keys.parse_any_session(keys.ack_of("b", 7)) && !keys.parse_session(keys.session_of("b", 7)),
           "session of any host");
    EXPECT(keys.parse_any_ack(keys.ack(9)) == (HostKey{"web-1.example", 9}) && !keys.parse_any_ack(keys.session(9)),
           "acknowledgment of any host");
    EXPECT(keys.parse_host(keys.host_record()) == "web-1.example", "host");
    for (const std::string_view key :
         {"h/b/s/", "h/b/s/0", "h/b/s", "h/b", "h//s/1", "h/b%20c/s/1", "n/", "n/a/b", "x"}) {
        const std::string whole = "/sesslimit/1/prod/" + std::string(key);
        EXPECT(!keys.parse_any_session(whole) && !keys.parse_any_ack(whole) && !keys.parse_host(whole), key);
    }
    for (const std::string_view rest : {"", "0", "01", "1x", "-1", "+1", "18446744073709551616"}) {
        EXPECT(!keys.parse_session(keys.sessions().first + std::string(rest)), rest);
    }
    EXPECT(!keys.parse_session("/sesslimit/1/prod/h/other/s/1"), "another host");
    EXPECT(!keys.parse_slot(keys.slot(std::string(max_user + 1, 'x'), 1)), "a user name that is too long");
}

} // namespace
} // namespace sesslimit::fleet
