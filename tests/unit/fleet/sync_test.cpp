// SPDX-License-Identifier: MIT
#include "fleet/sync.hpp"
#include "tests/unit/support/cmocka.hpp"

namespace sesslimit::fleet {
namespace {

const Keys keys("f", "me");
constexpr std::int64_t lease = 9;
constexpr std::int64_t revision = 100;

KeyValue record(std::uint64_t session, std::string_view user, std::uint32_t slot, std::int64_t modified = 50) {
    return {keys.session(session), encode(SessionRecord{.user = std::string(user), .slot = slot, .since = 1}), modified,
            modified, lease};
}

/// Formats a plan: releases "-", repairs "+" with their previous slot and revision, discards "x", sessions found "=".
std::string text_of(const SyncPlan& plan) {
    std::string text;
    for (const auto& [session, record] : plan.found) {
        text += "=" + std::to_string(session) + ":" + std::to_string(record.slot) + " ";
    }
    for (const auto& one : plan.release) {
        text += "-" + std::to_string(one.session) + ":" + std::to_string(one.record.slot) + " ";
    }
    for (const auto& one : plan.repair) {
        text += "+" + std::to_string(one.session) + ":" + std::to_string(one.previous.slot) + "@" +
                std::to_string(one.previous.modified) + " ";
    }
    for (const auto& one : plan.discard) {
        text += "x" + std::get<Delete>(one.success.front()).keys.first + " ";
    }
    return text;
}

SESSLIMIT_TEST(records_are_compared_with_sessions) {
    struct Case {
        const char* name;
        std::map<std::uint64_t, Tracked> sessions;
        std::vector<KeyValue> records;
        std::vector<std::string> on_lease;
        std::string plan;
    };
    const std::string slot_1 = keys.slot("alice", 1);
    const std::string session_7 = keys.session(7);
    const Tracked held{"alice", 1, 50, false};
    const Case cases[] = {
        {"nothing", {}, {}, {keys.host_record()}, ""},
        {"recorded", {{7, held}}, {record(7, "alice", 1)}, {session_7, slot_1}, "=7:1 "},
        {"recorded, slot unknown",
         {{7, {"alice", 0, 0, false}}},
         {record(7, "alice", 1)},
         {session_7, slot_1},
         "=7:1 "},
        {"not recorded", {{7, {"alice", 0, 0, false}}}, {}, {}, "+7:0@0 "},
        {"both keys lost", {{7, held}}, {}, {}, "+7:1@0 "},
        {"the record lost", {{7, held}}, {}, {slot_1}, "+7:1@0 "},
        {"the slot lost", {{7, held}}, {record(7, "alice", 1)}, {session_7}, "=7:1 +7:1@50 "},
        {"two sessions with one slot",
         {{7, held}, {8, held}},
         {record(7, "alice", 1), record(8, "alice", 1)},
         {session_7, keys.session(8), slot_1},
         "=7:1 =8:1 +7:1@50 +8:1@50 "},
        {"on another lease", {{7, held}}, {record(7, "alice", 1)}, {}, "=7:1 +7:1@50 "},
        {"without a session", {}, {record(7, "alice", 1)}, {session_7, slot_1}, "-7:1 "},
        {"of another user", {{7, {"bob", 0, 0, false}}}, {record(7, "alice", 1)}, {session_7, slot_1}, "-7:1 "},
        {"a slot without a record", {}, {}, {slot_1}, "x" + slot_1 + " "},
        {"an invalid record", {}, {{session_7, "garbage", 50, 50, lease}}, {session_7}, "x" + session_7 + " "},
        {"an invalid record of a session",
         {{7, held}},
         {{session_7, "x", 50, 50, lease}},
         {session_7, slot_1},
         "x" + session_7 + " "},
        {"a call about it has no reply", {{7, {"alice", 0, 0, true}}}, {}, {}, ""},
        {"claimed after the records were read", {{7, {"alice", 1, revision + 1, false}}}, {}, {slot_1}, ""},
        {"recorded again after the records were read",
         {{7, {"alice", 3, revision + 1, false}}},
         {record(7, "alice", 1)},
         {},
         ""},
        {"claimed when the records were read", {{7, {"alice", 1, revision, false}}}, {}, {}, "+7:1@0 "},
    };
    for (const Case& one : cases) {
        EXPECT(text_of(compare(keys, {revision, one.records, one.on_lease}, one.sessions, lease)) == one.plan,
               one.name);
    }
}

SESSLIMIT_TEST(a_key_is_discarded_only_if_it_is_unchanged) {
    const SyncPlan plan = compare(keys, {revision, {}, {keys.slot("alice", 1)}}, {}, lease);
    const std::vector<Compare>& conditions = plan.discard.at(0).conditions;
    EXPECT(conditions.size() == 2 && conditions[0].target == Compare::Target::lease && conditions[0].number == lease,
           "lease");
    EXPECT(conditions[1].relation == Compare::Relation::less && conditions[1].number == revision + 1, "revision");
}

} // namespace
} // namespace sesslimit::fleet
