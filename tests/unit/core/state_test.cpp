// SPDX-License-Identifier: MIT
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <random>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;

Session session_of(std::uint64_t number, uid_t uid, Leader leader, Phase phase = Phase::admitted) {
    Session session;
    session.key = key(number);
    session.phase = phase;
    session.login = ssh(uid);
    session.leader = leader;
    return session;
}

std::uint64_t number(const Session* session) {
    return session == nullptr ? 0 : static_cast<std::uint64_t>(session->key);
}

SESSLIMIT_TEST(session_found_by_pid_and_start) {
    State state;
    state.put(session_of(1, alice, {50, 1}));
    state.put(session_of(2, alice, {50, 2}));
    state.put(session_of(3, alice, {51, 0}));
    state.put(session_of(4, alice, {}));
    struct Case {
        Leader leader;
        std::uint64_t found;
    };
    constexpr Case cases[] = {{{50, 1}, 1}, {{50, 2}, 2}, {{50, 3}, 0}, {{50, 0}, 2},
                              {{51, 9}, 3}, {{51, 0}, 3}, {{52, 1}, 0}, {{0, 0}, 0}};
    for (const Case& one : cases) {
        EXPECT(number(state.by_leader(one.leader)) == one.found, std::to_string(one.leader.pid));
    }
    state.put(session_of(5, bob, {50, 1}));
    EXPECT(number(state.by_leader({50, 1})) == 5, "the most recent session");
    state.drop(key(5));
    EXPECT(number(state.by_leader({50, 1})) == 1, "the older session again");
}

SESSLIMIT_TEST(keys_never_reused) {
    State state;
    EXPECT(state.next_key() == key(1), "from 1");
    state.put(session_of(7, alice, {}));
    state.drop(key(7));
    EXPECT(state.next_key() == key(8), "a dropped key is not reused");
    state.give_keys_from(key(5));
    EXPECT(state.next_key() == key(8), "never lowered");
    state.give_keys_from(key(100));
    EXPECT(state.next_key() == key(100), "raised");
}

SESSLIMIT_TEST(request_found_until_answered) {
    State state;
    Session session = session_of(1, alice, {}, Phase::waiting);
    session.request = RequestId{5};
    state.put(session);
    EXPECT(number(state.by_request(RequestId{5})) == 1 && state.by_request(RequestId{6}) == nullptr, "by its request");
    session.phase = Phase::denied;
    state.put(session);
    EXPECT(number(state.by_request(RequestId{5})) == 1, "denied, without an answer yet");
    session.request = RequestId::none;
    state.put(session);
    EXPECT(state.by_request(RequestId{5}) == nullptr, "answered");
}

SESSLIMIT_TEST(sessions_ordered_by_deadline_then_age) {
    State state;
    EXPECT(state.next_due() == nullptr, "none");
    const BootTime dues[] = {never, start + 3s, start + 1s, start + 1s, start + 2s};
    for (std::uint64_t at = 0; at < std::size(dues); ++at) {
        Session session = session_of(at + 1, alice, {});
        session.due = dues[at];
        state.put(session);
    }
    std::string order;
    while (const Session* next = state.next_due()) {
        order += std::to_string(number(next)) + " ";
        state.drop(next->key);
    }
    EXPECT_TEXT(order, "3 4 5 2 ");
}

/// Compares the indices with a walk over all sessions, after many random changes of the indexed fields.
SESSLIMIT_TEST(indices_match_full_scan) {
    std::mt19937 random(1);
    State state;
    const auto any = [&random](std::uint32_t below) {
        return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random);
    };
    std::string wrong;
    for (int round = 0; round < 20'000 && wrong.empty(); ++round) {
        const std::uint64_t which = any(12) + 1;
        if (any(4) == 0) {
            state.drop(key(which));
        } else {
            Session session =
                session_of(which, alice + any(3), {static_cast<pid_t>(any(4)), any(3)}, static_cast<Phase>(any(6) + 1));
            session.logind_id = any(2) == 0 ? "" : "c" + std::to_string(which);
            session.due = any(3) == 0 ? never : start + std::chrono::seconds(any(5));
            session.request = RequestId{any(4)};
            state.put(session);
        }
        BootTime earliest = never;
        std::map<uid_t, std::size_t> counted;
        std::size_t all = 0;
        for (const auto& [at, session] : state.sessions()) {
            counted[session.login.uid] += occupies_slot(session) ? 1U : 0U;
            all += occupies_slot(session) ? 1U : 0U;
            earliest = std::min(earliest, session.due);
            if (!session.logind_id.empty() && state.by_logind(session.logind_id) != &session) {
                wrong = "logind's id";
            }
            if (!state.of_user(session.login.uid).contains(at)) {
                wrong = "user";
            }
            const Session* led = state.by_leader(session.leader);
            if (session.leader.pid != 0 && (led == nullptr || led->key < at || led->leader.pid != session.leader.pid)) {
                wrong = "leader";
            }
        }
        for (uid_t uid = alice; uid < alice + 3; ++uid) {
            wrong = state.counted(uid) == counted[uid] ? wrong : "count";
        }
        wrong = state.counted() == all ? wrong : "count of all";
        const Session* next = state.next_due();
        wrong = (next == nullptr ? never : next->due) == earliest ? wrong : "deadline";
        wrong = state.by_logind("") == nullptr && state.by_logind("c99") == nullptr ? wrong : "unknown id";
    }
    EXPECT_TEXT(wrong, "");
    for (std::uint64_t which = 1; which <= 12; ++which) {
        state.drop(key(which));
    }
    EXPECT(state.sessions().empty() && state.next_due() == nullptr && state.of_user(alice).empty(), "all gone");
}

SESSLIMIT_TEST(displacements_of_limited_number_of_users_stored) {
    State state;
    constexpr uid_t users = State::max_displaced_users;
    for (uid_t uid = 0; uid <= users; ++uid) {
        Displacements displacements;
        displacements.add("192.0.2.1", start + std::chrono::seconds(uid == 7 ? 0 : 1 + uid));
        state.put(PutDisplacements{uid, displacements});
    }
    EXPECT(state.displacements_of(7).forgotten_at() == BootTime{}, "the oldest is removed");
    EXPECT(state.displacements_of(6).forgotten_at() > start && state.displacements_of(users).forgotten_at() > start,
           "the others are stored");
}

} // namespace
