// SPDX-License-Identifier: MIT
#include "daemon/messages/missed_reasons.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <string>

namespace {

using namespace sesslimit;
using namespace std::chrono_literals;
using messages::MissedReasons;

constexpr BootTime now{1000h};
constexpr Duration max_age = MissedReasons::max_age;

SESSLIMIT_TEST(latest_reason_kept_for_seven_days) {
    MissedReasons reasons;
    reasons.keep(1001, now - 1h, "first");
    reasons.keep(1001, now, "second");
    reasons.keep(1002, now, "other");
    EXPECT_TEXT(reasons.find(1001, now + max_age), "second");
    EXPECT_TEXT(reasons.find(1001, now + max_age + 1us), "");
    EXPECT_TEXT(reasons.find(1003, now), "");
    reasons.forget(1001);
    EXPECT_TEXT(reasons.find(1001, now), "");
    EXPECT_TEXT(reasons.find(1002, now), "other");
}

SESSLIMIT_TEST(oldest_reason_dropped_for_too_many_users) {
    MissedReasons reasons;
    for (uid_t user = 0; user <= MissedReasons::max_users; ++user) {
        reasons.keep(user, now + std::chrono::seconds(user == 7 ? 0 : 1 + user), std::string(5000, 'x'));
    }
    EXPECT(reasons.find(7, now).empty() && !reasons.find(6, now).empty(), "the oldest one");
    EXPECT(reasons.find(8, now).size() == MissedReasons::max_length, "truncated");
    EXPECT(reasons.serialized().size() <= MissedReasons::max_file_size, "bounded");
}

SESSLIMIT_TEST(file_restores_reasons) {
    MissedReasons reasons;
    reasons.keep(1001, now, "On Monday: limit of 3 sessions – reached");
    reasons.keep(1002, now - 1h, "older");
    MissedReasons restored;
    restored.keep(1002, now, "newer");
    restored.add(reasons.serialized(), now);
    EXPECT_TEXT(restored.find(1001, now), "On Monday: limit of 3 sessions – reached");
    EXPECT_TEXT(restored.find(1002, now), "newer");
    EXPECT_TEXT(restored.find(1001, now + max_age + 1us), "");
}

SESSLIMIT_TEST(invalid_lines_of_file_ignored) {
    const std::string at = std::to_string(now.time_since_epoch().count());
    const std::string future = std::to_string((now + 1us).time_since_epoch().count());
    for (const std::string& line :
         {std::string("1001"), "1001 " + at, "1001 " + at + " ", "x " + at + " text", "-1 " + at + " text",
          "4294967296 " + at + " text", std::string("1001 -1 text"), "1001 " + future + " text",
          "1001 " + at + "0000000000000 text", "1001 " + at + " a\x1B[2J", "1001 " + at + " \xFF",
          "1001 " + at + " " + std::string(1025, 'x')}) {
        MissedReasons reasons;
        reasons.add(line + "\n1002 " + at + " valid", now);
        EXPECT_TEXT(line + "|" + reasons.serialized(), line + "|1002 " + at + " valid\n");
    }
}

} // namespace
