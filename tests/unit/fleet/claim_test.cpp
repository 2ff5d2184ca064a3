// SPDX-License-Identifier: MIT
#include "fleet/claim.hpp"
#include "tests/fleet_model/store.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <algorithm>

namespace sesslimit::fleet {
namespace {

const Keys keys("f", "me");

/// A store with slots of the user alice, and the claims of this host.
struct Bench {
    model::Store store;
    std::int64_t lease = std::get<LeaseReply>(store.execute({}, GrantLease{std::chrono::seconds(30)})).lease;

    TransactionReply run(const Transaction& transaction) {
        return std::get<TransactionReply>(store.execute({}, transaction));
    }

    /// Occupies slots for sessions of another host.
    void occupy(std::initializer_list<std::uint32_t> slots) {
        for (const std::uint32_t slot : slots) {
            Transaction put;
            put.success = {Put{keys.slot("alice", slot), encode(SlotRecord{"other", slot, 0}), 0}};
            run(put);
        }
    }

    /// Runs a claim to its end.
    Claimed claim(Claim claim) {
        std::optional<Claimed> claimed;
        while (!claimed) {
            claimed = claim.on_reply(run(claim.transaction()));
        }
        return *claimed;
    }
    Claimed claim(std::uint64_t key, std::uint32_t limit, bool enforced = true) {
        return claim(Claim(keys, session(key, limit, enforced), lease));
    }

    static Session session(std::uint64_t key, std::uint32_t limit, bool enforced = true) {
        return {.key = key, .limit = limit, .enforced = enforced, .record = {.user = "alice", .since = 5}};
    }
    [[nodiscard]] std::size_t slots() const { return store.count(keys.slots("alice")); }
};

SESSLIMIT_TEST(claims_are_decided_by_the_occupied_slots) {
    struct Case {
        const char* name;
        std::uint32_t limit;
        bool enforced;
        std::initializer_list<std::uint32_t> occupied;
        std::uint32_t slot; ///< 0: denied
    };
    const Case cases[] = {
        {"the first session", 3, true, {}, 1},
        {"the first free slot", 3, true, {1, 3}, 2},
        {"the limit is reached", 3, true, {1, 2, 3}, 0},
        {"the limit is 1", 1, true, {1}, 0},
        {"as many slots beyond the limit", 3, true, {4, 5, 9}, 0},
        {"one slot beyond the limit", 3, true, {2, 4}, 1},
        {"more sessions than the limit", 2, true, {1, 2, 3, 4}, 0},
        {"counted although the limit is reached", 2, false, {1, 2}, 3},
        {"counted within the limit", 2, false, {1}, 2},
        {"counted beside slots beyond the limit", 2, false, {2, 3}, 1},
        {"the last tried slot", 16, true, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 16},
    };
    for (const Case& one : cases) {
        Bench bench;
        bench.occupy(one.occupied);
        const Claimed claimed = bench.claim(7, one.limit, one.enforced);
        EXPECT((claimed.outcome == Claimed::Outcome::granted) == (one.slot != 0), one.name);
        EXPECT(claimed.slot == one.slot, one.name);
        EXPECT(bench.slots() == one.occupied.size() + (one.slot != 0 ? 1 : 0), one.name);
        EXPECT(one.slot != 0 || (claimed.count == one.occupied.size() && claimed.holders.size() == claimed.count),
               one.name);
    }
}

SESSLIMIT_TEST(keys_that_are_no_slots_do_not_prevent_a_claim) {
    for (const std::string junk : {"zzz", "0004x", "00040", "9999/1"}) {
        Bench bench;
        Transaction put;
        put.success = {Put{keys.slots("alice").first + junk, "garbage", 0}};
        bench.run(put);
        bench.occupy({1});
        EXPECT(bench.claim(7, 3).slot == 2 && bench.claim(8, 3).slot == 3, junk);
        EXPECT(bench.claim(9, 3).outcome == Claimed::Outcome::full, junk);
    }
}

SESSLIMIT_TEST(the_last_free_slot_of_a_high_limit_is_found) {
    for (const std::uint32_t limit : {17U, 100U, max_limit}) {
        for (const std::uint32_t free : {1U, limit / 2, limit}) {
            Bench bench;
            for (std::uint32_t slot = 1; slot <= limit; ++slot) {
                if (slot != free) {
                    bench.occupy({slot});
                }
            }
            EXPECT(bench.claim(7, limit).slot == free, std::to_string(limit));
            EXPECT(bench.claim(8, limit).outcome == Claimed::Outcome::full, std::to_string(limit));
        }
    }
}

SESSLIMIT_TEST(a_repeated_claim_finds_its_own_record) {
    Bench bench;
    bench.occupy({1});
    EXPECT(bench.claim(7, 3).slot == 2, "first");
    EXPECT(bench.claim(7, 3).slot == 2, "again");
    bench.occupy({3, 4});
    EXPECT(bench.claim(7, 3).slot == 2, "beyond the limit");
    EXPECT(bench.slots() == 4, "one slot each");
}

SESSLIMIT_TEST(a_slot_that_was_occupied_after_the_count_is_noticed) {
    Bench bench;
    bench.occupy({4}); // beyond the limit
    Claim claim(keys, Bench::session(7, 3), bench.lease);
    EXPECT(!claim.on_reply(bench.run(claim.transaction())), "counted");
    bench.occupy({2, 3});
    const auto claimed = claim.on_reply(bench.run(claim.transaction()));
    EXPECT(claimed && claimed->outcome == Claimed::Outcome::full, "not admitted beside the others");
}

SESSLIMIT_TEST(an_invalid_record_of_the_session_is_replaced) {
    Bench bench;
    Transaction put;
    put.success = {Put{keys.session(7), "garbage", 0}};
    bench.run(put);
    EXPECT(bench.claim(7, 3).slot == 1, "granted");
    EXPECT(decode_session(bench.store.keys().at(keys.session(7)).value).has_value(), "replaced");
}

SESSLIMIT_TEST(a_session_gets_its_slot_again) {
    struct Case {
        const char* name;
        bool has_slot, has_record;
        std::initializer_list<std::uint32_t> others;
        std::uint32_t slot;
    };
    const Case cases[] = {
        {"only the record is missing", true, false, {1}, 2},
        {"only the slot is missing", false, true, {1}, 2},
        {"both are missing", false, false, {1}, 2},
        {"another session has the slot", false, true, {2}, 1},
        {"all slots are occupied", false, false, {1, 2, 3}, 4},
    };
    for (const Case& one : cases) {
        Bench bench;
        Claim::Previous previous{.modified = 0, .slot = 2};
        Transaction put;
        if (one.has_slot) {
            put.success.emplace_back(Put{keys.slot("alice", 2), encode(SlotRecord{"me", 7, 5}), bench.lease});
        }
        if (one.has_record) {
            put.success.emplace_back(
                Put{keys.session(7), encode(SessionRecord{.user = "alice", .slot = 2, .since = 5}), bench.lease});
        }
        const TransactionReply reply = bench.run(put);
        previous.modified = one.has_record ? reply.revision : 0;
        bench.occupy(one.others);
        const Claimed claimed = bench.claim(Claim(keys, Bench::session(7, 3, false), bench.lease, previous));
        EXPECT(claimed.outcome == Claimed::Outcome::granted && claimed.slot == one.slot, one.name);
        EXPECT(bench.slots() == one.others.size() + 1, one.name);
        const auto record = decode_session(bench.store.keys().at(keys.session(7)).value);
        EXPECT(record && record->slot == one.slot, one.name);
    }
}

SESSLIMIT_TEST(a_claim_under_contention_is_bounded) {
    Bench bench;
    bench.occupy({4});
    Claim claim(keys, Bench::session(7, 3), bench.lease);
    std::optional<Claimed> claimed;
    int rounds = 0;
    while (!claimed) {
        claimed = claim.on_reply(bench.run(claim.transaction()));
        bench.occupy({4}); // modified in each round
        ++rounds;
    }
    EXPECT(claimed->outcome == Claimed::Outcome::contended && rounds == max_rounds, std::to_string(rounds));
}

SESSLIMIT_TEST(a_claim_puts_keys_only_in_nested_transactions) {
    // etcd counts the other puts against its quota. It would reject some claims of a host at its quota, and not others.
    Bench bench;
    bench.occupy({4});
    Claim claim(keys, Bench::session(7, 3), bench.lease);
    const auto puts = [](const Transaction& transaction) {
        return std::ranges::any_of(transaction.success,
                                   [](const Operation& operation) { return std::holds_alternative<Put>(operation); });
    };
    EXPECT(!puts(claim.transaction()), "the slots are tried");
    EXPECT(!claim.on_reply(bench.run(claim.transaction())), "a slot beyond the limit was found");
    EXPECT(!puts(claim.transaction()), "the slots were counted");
    const auto claimed = claim.on_reply(bench.run(claim.transaction()));
    EXPECT(claimed && claimed->slot == 1, "granted");
}

SESSLIMIT_TEST(a_record_of_an_earlier_boot_is_replaced) {
    Bench bench;
    (void)bench.claim(7, 3);
    const std::int64_t earlier = bench.lease;
    bench.lease = std::get<LeaseReply>(bench.store.execute({}, GrantLease{std::chrono::seconds(60)})).lease;
    Session session = Bench::session(7, 3);
    session.record.since = 9;
    const Claimed claimed = bench.claim(Claim(keys, session, bench.lease));
    EXPECT(claimed.outcome == Claimed::Outcome::granted && claimed.slot == 2 && !claimed.since, "a slot of its own");
    (void)bench.store.execute({}, RevokeLease{earlier});
    EXPECT(bench.slots() == 1 && bench.store.count(keys.sessions()) == 1, "it outlives the earlier lease");
}

SESSLIMIT_TEST(release_leaves_the_slots_of_other_sessions) {
    Bench bench;
    EXPECT(bench.claim(7, 3).slot == 1, "claimed");
    bench.run(release(keys, 7, {.user = "alice", .slot = 1, .since = 6}));
    EXPECT(bench.slots() == 1 && !bench.store.keys().contains(keys.session(7)), "another start time");
    bench.run(release(keys, 7, {.user = "alice", .slot = 1, .since = 5}));
    EXPECT(bench.store.keys().empty(), "released");
    bench.run(release(keys, 7, {.user = "alice", .slot = 1, .since = 5}));
    EXPECT(bench.store.keys().empty(), "again");
}

} // namespace
} // namespace sesslimit::fleet
