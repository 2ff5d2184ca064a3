// SPDX-License-Identifier: MIT
// Requests of administrators: what they read and write, the frames of their replies, and errors of the store.
#include "fleet/admin.hpp"
#include "tests/fleet_model/store.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>

namespace sesslimit::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Keys keys("f", "me");
constexpr std::uint64_t order = 77;

std::string text_of(const admin::Row& row) {
    if (const auto* session = std::get_if<admin::SessionRow>(&row)) {
        return std::string(session->host) + ":" + std::to_string(session->session) + " " +
               (session->uid ? "uid " + std::to_string(*session->uid) : std::string(session->user)) + " slot " +
               std::to_string(session->slot) + " " + std::string(session->service);
    }
    if (const auto* host = std::get_if<admin::HostRow>(&row)) {
        return std::string(host->name) + (host->is_this ? "*" : "") + " " + std::string(host->version) + " " +
               std::string(host->policy) + " " + std::to_string(host->sessions.value_or(99));
    }
    if (const auto* state = std::get_if<admin::StateRow>(&row)) {
        return std::string(state->fleet) + " " + std::string(state->host) + (state->up ? " up" : " down: ") +
               std::string(state->reason) + " " + std::to_string(state->sessions);
    }
    if (const auto* node = std::get_if<admin::NodeRow>(&row)) {
        return std::string(node->endpoint) + (node->reachable ? "" : " unreachable") +
               (node->leader ? " leader " : " ") + std::string(node->problem) + std::string(node->version) + " " +
               std::to_string(node->quota.value_or(0)) + " " + std::to_string(node->latency_us.value_or(0));
    }
    if (const auto* alarm = std::get_if<admin::AlarmRow>(&row)) {
        return "alarm " + std::to_string(static_cast<int>(alarm->type)) + " of " + std::to_string(alarm->member);
    }
    if (const auto* ended = std::get_if<admin::EndedRow>(&row)) {
        return std::string(ended->host) + (ended->answered ? " ended " + std::to_string(ended->count) : " missing");
    }
    const auto& done = std::get<admin::Done>(row);
    return "done " + std::to_string(static_cast<int>(done.code)) + (done.text.empty() ? "" : ": ") +
           std::string(done.text);
}

/// A request with a store that executes its calls when settle() is called.
struct Bench final : AdminEffects {
    explicit Bench(bool by_uid = false)
        : request({.fleet = "f",
                   .host = "me",
                   .version = "1",
                   .by_uid = by_uid,
                   .endpoints = {"n1:2379", "n2:2379"},
                   .order = order},
                  *this) {
        for (const char* host : {"me", "a", "b"}) {
            put(Keys("f", host).host_record(),
                encode(HostRecord{.machine = host, .boot = "x", .version = "1", .policy = "p"}));
        }
    }

    void call(std::uint64_t id, const Call& call) override {
        calls.emplace_back(id, call);
        ++sent_calls;
    }
    void watch(const KeyRange& range, std::int64_t revision) override {
        EXPECT(range == keys.all_of_hosts(), "the answers of all hosts");
        watched_from = revision;
        ++watches;
    }
    void send(const admin::Row& row) override { log += text_of(row) + "\n"; }
    void leave(const std::string& reason) override { left = reason; }

    void put(const std::string& key, const std::string& value, std::int64_t lease = 0) {
        Transaction whole;
        whole.success = {Put{key, value, lease}};
        (void)store.execute(now, whole);
    }
    void session(const std::string& host, std::uint64_t number, const std::string& user, std::uint32_t slot) {
        const SessionRecord record{
            .user = user, .slot = slot, .since = 5, .service = "sshd", .tty = {}, .origin = {}, .rule = {}};
        put(keys.session_of(host, number), encode(record));
        put(keys.slot(user, slot), encode(SlotRecord{.host = host, .session = number, .since = 5}));
    }
    /// Answers an order for a host, and reports the change.
    void ack(const std::string& host, std::uint32_t count, bool is_seen = true) {
        const std::string value = encode(AckRecord{count});
        put(keys.ack_of(host, order), value);
        if (is_seen) {
            request.on_change(now, keys.ack_of(host, order), value);
        }
    }

    void start(const admin::Request& what, const HostState& state = {}) {
        request.start(now, what, state);
        settle();
    }
    void settle() {
        while (!calls.empty() || (reads && request.waits_until_sent())) {
            if (calls.empty()) {
                request.on_sent(now);
                continue;
            }
            const auto [id, call] = calls.front();
            calls.pop_front();
            now += milliseconds(1);
            request.on_reply(now, id, result(call));
        }
    }
    CallResult result(const Call& call) {
        if (const auto* node = std::get_if<NodeStatus>(&call)) {
            return nodes.at(node->node);
        }
        if (std::holds_alternative<ListAlarms>(call)) {
            return alarms;
        }
        if (const auto failure = fails(call)) {
            if (executes) {
                (void)store.execute(now, call);
            }
            return *failure;
        }
        return store.execute(now, call);
    }
    void pass(Duration span) {
        for (const BootTime end = now + span; now < end; settle()) {
            now = std::min(end, std::max(now, request.deadline()));
            request.on_time(now);
        }
    }
    std::string take_log() { return std::exchange(log, {}); }

    model::Store store;
    BootTime now{std::chrono::hours(1)};
    std::deque<std::pair<std::uint64_t, Call>> calls;
    std::size_t sent_calls = 0;
    bool reads = true; ///< The administrator reads the frames.
    std::function<std::optional<CallFailure>(const Call&)> fails = [](const Call&) { return std::nullopt; };
    bool executes = false; ///< Calls are executed, although their replies are lost.
    std::vector<CallResult> nodes;
    CallResult alarms = AlarmsReply{};
    std::int64_t watched_from = 0;
    int watches = 0;
    std::string log;
    std::string left;
    AdminRequest request;
};

/// Returns the operations of a call that is a transaction.
const std::vector<Operation>& operations(const Call& call) {
    static const std::vector<Operation> none;
    const auto* transaction = std::get_if<Transaction>(&call);
    return transaction == nullptr ? none : transaction->success;
}

std::optional<CallFailure> denied() {
    return CallFailure{CallFailure::Kind::rejected, "etcdserver: permission denied"};
}

constexpr admin::End end_alice{.subject = "alice", .by = "root", .reason = "locked"};

// --- Lists ----------------------------------------------------------------------------------------------------------

SESSLIMIT_TEST(sessions_of_all_hosts_are_listed) {
    Bench bench;
    bench.session("b", 7, "alice", 1);
    bench.session("a", 9, "bob", 1);
    bench.put(keys.ack_of("a", 3), "count=1");
    bench.put(keys.session_of("a", 10), "not a record");
    bench.start(admin::List{});
    EXPECT_TEXT(bench.take_log(), "a:9 bob slot 1 sshd\nb:7 alice slot 1 sshd\ndone 0\n");
}

SESSLIMIT_TEST(the_next_page_is_read_after_the_earlier_frames_were_sent) {
    Bench bench;
    constexpr std::uint64_t count = 3 * AdminRequest::page + 5;
    for (std::uint64_t number = 1; number <= count; ++number) {
        bench.put(keys.session_of("a", number), encode(SessionRecord{.user = "u", .slot = 1, .since = 1}));
    }
    bench.reads = false;
    bench.start(admin::List{});
    EXPECT(bench.sent_calls == 1 && bench.request.waits_until_sent(), "no second call");
    bench.pass(seconds(60));
    EXPECT(bench.sent_calls == 1 && bench.request.deadline() == never, "and no timer");
    bench.reads = true;
    bench.settle();
    const std::string all = bench.take_log();
    EXPECT(static_cast<std::uint64_t>(std::ranges::count(all, '\n')) == count + 1 && all.ends_with("done 0\n"),
           std::to_string(std::ranges::count(all, '\n')));
    EXPECT(bench.sent_calls == 4, "one call for each page");
}

SESSLIMIT_TEST(sessions_of_a_user_are_listed_by_their_slots) {
    Bench bench;
    bench.session("b", 7, "alice", 1);
    bench.session("a", 9, "alice", 2);
    bench.session("a", 10, "bob", 1);
    bench.put(keys.slot("alice", 3), encode(SlotRecord{.host = "c", .session = 1, .since = 5}));
    bench.start(admin::List{.user = "alice", .uid = 1000});
    EXPECT_TEXT(bench.take_log(), "b:7 alice slot 1 sshd\na:9 alice slot 2 sshd\nc:1 alice slot 3 \ndone 0\n");
}

SESSLIMIT_TEST(a_host_without_permission_lists_the_slots_of_a_user) {
    Bench bench;
    bench.session("b", 7, "alice", 1);
    bench.fails = [](const Call& call) {
        const auto* get = operations(call).empty() ? nullptr : std::get_if<Get>(&operations(call).front());
        return get != nullptr && get->keys.first.find("/h/") != std::string::npos ? denied() : std::nullopt;
    };
    bench.start(admin::List{.user = "alice", .uid = {}});
    const std::string log = bench.take_log();
    EXPECT(log.starts_with("b:7 alice slot 1 \ndone 0: ") && log.find("enroll --admin") != log.npos, log);
    Bench all;
    all.fails = bench.fails;
    all.start(admin::List{});
    EXPECT(all.log.starts_with("done 2: ") && all.log.find("'sesslimit-fleet enroll --admin me'") != all.log.npos,
           all.log);
}

SESSLIMIT_TEST(a_fleet_identifies_users_by_name_or_by_id) {
    struct Case {
        bool by_uid;
        admin::List list;
        std::string_view log;
    };
    const Case cases[] = {
        {false, {.user = "alice", .uid = 1000}, "a:1 alice slot 1 sshd\ndone 0\n"},
        {true, {.user = "alice", .uid = 1000}, "a:2 uid 1000 slot 1 sshd\ndone 0\n"},
        {true, {.user = {}, .uid = 1000}, "a:2 uid 1000 slot 1 sshd\ndone 0\n"},
        {true, {.user = "1000", .uid = {}}, "done 1: the fleet identifies users by their IDs"},
        {false, {.user = {}, .uid = 1000}, "done 1: the fleet identifies users by their names"},
    };
    for (const Case& one : cases) {
        Bench bench(one.by_uid);
        bench.session("a", 1, "alice", 1);
        bench.session("a", 2, "1000", 1);
        bench.start(one.list);
        EXPECT(bench.log.starts_with(one.log), bench.log);
    }
}

SESSLIMIT_TEST(hosts_are_listed_with_the_numbers_of_their_sessions) {
    Bench bench;
    bench.session("a", 1, "alice", 1);
    bench.session("a", 2, "alice", 2);
    bench.put(keys.ack_of("a", 3), "count=1");
    bench.start(admin::Hosts{});
    EXPECT_TEXT(bench.take_log(), "a 1 p 2\nb 1 p 0\nme* 1 p 0\ndone 0\n");
    for (int number = 0; number < 300; ++number) {
        bench.put(Keys("f", "x" + std::to_string(number)).host_record(),
                  encode(HostRecord{.machine = "m", .boot = "b", .version = {}, .policy = {}}));
    }
    Bench many;
    many.store = bench.store;
    many.start(admin::Hosts{});
    EXPECT(std::ranges::count(many.log, '\n') == 304, "all hosts, and the end");
}

SESSLIMIT_TEST(the_state_of_each_node_is_reported) {
    Bench bench;
    bench.nodes = {NodeReply{.member = 5, .leader = 5, .version = "3.6.0", .size = 10, .in_use = 5, .quota = 100},
                   CallFailure{CallFailure::Kind::unavailable, "no answer in time"}};
    bench.alarms = AlarmsReply{{{Alarm::Type::no_space, 5}}};
    bench.start(admin::Status{}, {.up = false, .reason = "no reply", .lease = 3, .sessions = 2});
    EXPECT_TEXT(bench.take_log(), "f me down: no reply 2\nn1:2379 leader 3.6.0 100 3000\n"
                                  "n2:2379 unreachable no answer in time 0 0\nalarm 1 of 5\ndone 0\n");
    Bench unknown;
    unknown.nodes = bench.nodes;
    unknown.alarms = CallFailure{CallFailure::Kind::unavailable, "no leader"};
    unknown.start(admin::Status{}, {.up = true, .reason = {}, .lease = 3, .sessions = 0});
    EXPECT(unknown.log.ends_with("done 0: the alarms are not known: no leader\n"), unknown.log);
}

SESSLIMIT_TEST(calls_are_repeated_until_the_store_answers) {
    Bench bench;
    bench.session("a", 1, "alice", 1);
    bool answers = false;
    bench.fails = [&](const Call&) {
        return answers ? std::nullopt : std::optional(CallFailure{CallFailure::Kind::unavailable, "no reply"});
    };
    bench.start(admin::List{});
    bench.pass(seconds(3));
    EXPECT_TEXT(bench.log, "");
    answers = true;
    bench.pass(seconds(1));
    EXPECT_TEXT(bench.take_log(), "a:1 alice slot 1 sshd\ndone 0\n");
    Bench never_answered;
    never_answered.fails = [](const Call&) { return CallFailure{CallFailure::Kind::unavailable, "no reply"}; };
    never_answered.start(admin::List{});
    never_answered.pass(AdminRequest::patience + seconds(1));
    EXPECT_TEXT(never_answered.log, "done 1: etcd does not answer: no reply\n");
}

// --- Orders to terminate sessions -----------------------------------------------------------------------------------

SESSLIMIT_TEST(an_order_is_answered_by_all_hosts) {
    Bench bench;
    bench.start(end_alice);
    const auto written = bench.store.keys().find(keys.order(order));
    EXPECT(written != bench.store.keys().end() && written->second.lease != 0, "the order has a lease");
    EXPECT(decode_order(written->second.value) ==
               (EndOrder{.subject = "alice", .by = "root", .reason = "locked", .spread = milliseconds(6)}),
           written->second.value);
    EXPECT(bench.watches == 1 && bench.watched_from == written->second.modified + 1, "watched from the order on");
    bench.ack("a", 2);
    bench.ack("a", 3);                                                  // repeated
    bench.request.on_change(bench.now, keys.ack_of("b", 5), "count=9"); // of another order
    bench.request.on_change(bench.now, keys.session_of("b", order), "user=x&slot=1&since=1");
    bench.ack("new", 1); // a host that has joined since
    bench.ack("me", 0);
    EXPECT(!bench.request.is_done(), "one host is missing");
    bench.ack("b", 0);
    EXPECT_TEXT(bench.take_log(), "a ended 2\nnew ended 1\nme ended 0\nb ended 0\ndone 0\n");
    EXPECT(bench.request.deadline() == never, "nothing is left to do");
}

SESSLIMIT_TEST(the_hosts_of_a_large_fleet_get_time_for_their_answers) {
    struct Case {
        int hosts; ///< In addition to three others.
        std::uint32_t timeout_ms;
        milliseconds spread;
    };
    for (const Case& one : {Case{997, 5000, milliseconds(2000)}, Case{997, 1000, milliseconds(500)},
                            Case{0, 1, milliseconds(0)}, Case{2997, 60'000, milliseconds(6000)}}) {
        Bench bench;
        for (int number = 0; number < one.hosts; ++number) {
            bench.put(Keys("f", "x" + std::to_string(number)).host_record(),
                      encode(HostRecord{.machine = "m", .boot = "b", .version = {}, .policy = {}}));
        }
        bench.start(admin::End{.subject = "alice", .by = "root", .timeout_ms = one.timeout_ms});
        const auto written = decode_order(bench.store.keys().at(keys.order(order)).value);
        EXPECT(written && written->spread == one.spread, bench.store.keys().at(keys.order(order)).value);
    }
}

SESSLIMIT_TEST(hosts_that_do_not_answer_are_named) {
    Bench bench;
    bench.start(end_alice);
    bench.ack("me", 1);
    bench.ack("a", 4, false); // the node that reports changes hangs
    bench.request.on_watch_lost(bench.now);
    bench.pass(seconds(1));
    EXPECT(bench.watches == 2 && !bench.request.is_done(), "watched again");
    bench.pass(seconds(5));
    EXPECT_TEXT(bench.take_log(), "me ended 1\na ended 4\nb missing\ndone 0\n");
    // At the end, the answers cannot be read.
    Bench lost;
    lost.start(end_alice);
    lost.fails = [](const Call&) { return CallFailure{CallFailure::Kind::unavailable, "no reply"}; };
    lost.pass(seconds(6));
    EXPECT_TEXT(lost.take_log(), "a missing\nb missing\nme missing\ndone 0\n");
}

SESSLIMIT_TEST(an_order_whose_reply_was_lost_is_found_again) {
    Bench bench;
    bool lost = false;
    bench.executes = true;
    bench.fails = [&](const Call& call) -> std::optional<CallFailure> {
        const auto* put = operations(call).empty() ? nullptr : std::get_if<Put>(&operations(call).front());
        if (put == nullptr || std::exchange(lost, true)) {
            return std::nullopt;
        }
        return CallFailure{CallFailure::Kind::unavailable, "no reply"};
    };
    bench.start(end_alice);
    bench.ack("a", 1, false); // before the order is found
    const std::int64_t written = bench.store.keys().at(keys.order(order)).created;
    bench.pass(seconds(1));
    EXPECT(lost && bench.watched_from == written + 1, "the answer of a is reported");
}

SESSLIMIT_TEST(an_order_without_permission_leaves_nothing_behind) {
    Bench bench;
    bool revoked = false;
    bench.fails = [&](const Call& call) {
        revoked |= std::holds_alternative<RevokeLease>(call);
        return operations(call).empty() ? std::nullopt : denied();
    };
    bench.start(end_alice);
    EXPECT(bench.log.starts_with("done 2: this host may not terminate sessions on other hosts; to permit it, run") &&
               bench.log.find("'sesslimit-fleet enroll --admin me'") != bench.log.npos,
           bench.log);
    EXPECT(revoked, "the lease is revoked");
}

SESSLIMIT_TEST(an_order_names_the_user_as_all_hosts_understand_it) {
    struct Case {
        bool by_uid;
        admin::End end;
        std::string_view subject; ///< Empty if there is no order.
        std::string_view log;
    };
    const Case cases[] = {
        {false, {.subject = "alice", .uid = 1000, .by = "x"}, "alice", ""},
        {true, {.subject = "alice", .uid = 1000, .by = "x"}, "uid:1000", ""},
        {true, {.subject = "1000", .by = "x"}, "", "done 1: the fleet identifies users by their IDs"},
        {false, {.uid = 1000, .by = "x"}, "", "done 1: the fleet identifies users by their names"},
        {true, {.subject = "root", .uid = 0, .by = "x"}, "", "done 2: sessions of root"},
        {true, {.what = EndOrder::Kind::credential, .subject = "SHA256:a", .by = "x"}, "SHA256:a", ""},
    };
    for (const Case& one : cases) {
        Bench bench(one.by_uid);
        bench.start(one.end);
        const auto written = bench.store.keys().find(keys.order(order));
        const auto read =
            written == bench.store.keys().end() ? std::optional<EndOrder>() : decode_order(written->second.value);
        EXPECT_TEXT(read ? read->subject : "", one.subject);
        EXPECT(!read || read->kind == one.end.what, one.subject);
        EXPECT(bench.log.starts_with(one.log), bench.log);
    }
}

// --- Hosts that leave or are lost -----------------------------------------------------------------------------------

SESSLIMIT_TEST(a_host_leaves_the_fleet) {
    Bench bench;
    bench.start(admin::Drain{.by = "root"});
    EXPECT(bench.left.find("until sesslimit-fleetd is restarted") != bench.left.npos && bench.log.empty(), bench.left);
    bench.request.on_left();
    EXPECT_TEXT(bench.take_log(), "done 0\n");
    Bench slow;
    slow.start(admin::Drain{.by = "root"});
    slow.pass(AdminRequest::patience + seconds(1));
    EXPECT(slow.log.starts_with("done 0: etcd has not confirmed it; the records of this host are deleted"), slow.log);
}

SESSLIMIT_TEST(the_slots_of_a_lost_host_are_freed) {
    Bench bench;
    bench.session("a", 7, "alice", 1);
    bench.session("b", 8, "alice", 2);
    bench.session("a", 9, "bob", 1);
    bench.session("a", 10, "carol", 1);
    bool changed = false;
    bench.fails = [&](const Call& call) -> std::optional<CallFailure> {
        // Another host gets the slot of carol after it was read.
        if (!operations(call).empty() && std::holds_alternative<Delete>(operations(call).front()) &&
            !std::exchange(changed, true)) {
            bench.put(keys.slot("carol", 1), encode(SlotRecord{.host = "b", .session = 11, .since = 6}));
        }
        return std::nullopt;
    };
    bench.start(admin::Forget{.host = "a", .by = "root"});
    EXPECT_TEXT(bench.take_log(), "a:9 bob slot 1 \na:7 alice slot 1 \ndone 0\n");
    EXPECT(!bench.store.keys().contains(keys.slot("alice", 1)) && bench.store.keys().contains(keys.slot("alice", 2)) &&
               bench.store.keys().contains(keys.slot("carol", 1)) &&
               bench.store.keys().contains(keys.session_of("a", 7)),
           "only slots of this host");
    for (const std::string_view host : {"me", "a/b"}) {
        Bench refused;
        refused.session("me", 1, "alice", 1);
        refused.start(admin::Forget{.host = host, .by = "root"});
        EXPECT(refused.log.starts_with("done 1: ") && refused.sent_calls == 0, refused.log);
    }
}

} // namespace
} // namespace sesslimit::fleet
