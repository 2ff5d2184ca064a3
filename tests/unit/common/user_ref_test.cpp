// SPDX-License-Identifier: MIT
#include "common/user_ref.hpp"
#include "tests/unit/support/cmocka.hpp"

namespace {

using namespace sesslimit;

/// Returns "name alice", "id 1001" or the error message.
std::string parsed(const std::string& text) {
    const auto ref = parse_user_ref(text);
    return !ref ? user_ref_problem(text) : ref->uid ? "id " + std::to_string(*ref->uid) : "name " + ref->name;
}

std::string no_id(const std::string& text) {
    return "\"" + text + "\" is not a valid user ID; write uid: followed by a number from 0 to 4294967294";
}

SESSLIMIT_TEST(case_A07_number_is_name_and_only_uid_prefix_refers_to_id) {
    struct Case {
        const char* text;
        std::string parsed;
    };
    const Case cases[] = {
        {"alice", "name alice"},
        {"1001", "name 1001"},
        {"0", "name 0"},
        {"UID:1", "name UID:1"},
        {"uid", "name uid"},
        {"CORP\\alice", "name CORP\\alice"},
        {"uid:1001", "id 1001"},
        {"uid:0", "id 0"},
        {"uid:4294967294", "id 4294967294"},
        {"uid:4294967295", no_id("uid:4294967295")},
        {"uid:99999999999999999999", no_id("uid:99999999999999999999")},
        {"uid:", no_id("uid:")},
        {"uid:x", no_id("uid:x")},
        {"uid:1x", no_id("uid:1x")},
        {"uid:-1", no_id("uid:-1")},
        {"uid:+1", no_id("uid:+1")},
        {"uid: 1", no_id("uid: 1")},
        {"uid:\033[2J", no_id("uid:\\x1b[2J")},
        {"", "the user name is empty"},
        {"\xFF\\a", "\"\\xff\\x5ca\" is not valid UTF-8; write uid: followed by the ID of the user"},
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(parsed(one.text), one.parsed);
    }
}

SESSLIMIT_TEST(user_id_reference_round_trips) {
    EXPECT_TEXT(user_ref_of(1001), "uid:1001");
    EXPECT_TEXT(parsed(user_ref_of(4'294'967'294)), "id 4294967294");
}

SESSLIMIT_TEST(reference_matches_by_name_or_by_id) {
    const UserRef name{"1001", std::nullopt};
    const UserRef id{{}, 1001};
    EXPECT(refers_to(name, "1001", 1002) && !refers_to(name, "bob", 1001), "by name");
    EXPECT(refers_to(id, "bob", 1001) && !refers_to(id, "1001", 1002), "by ID");
    EXPECT(!refers_to(id, "", 0) && refers_to({{}, 0}, "root", 0), "root");
}

} // namespace
