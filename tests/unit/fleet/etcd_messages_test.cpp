// SPDX-License-Identifier: MIT
#include "fleet/etcd/messages.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <etcd.grpc.pb.h>
#include <grpcpp/support/status.h>

namespace sesslimit::fleet::etcd {
namespace {

namespace pb = etcdserverpb;
using Kind = CallFailure::Kind;

SESSLIMIT_TEST(a_transaction_keeps_its_operands_and_its_nesting) {
    Transaction nested;
    nested.conditions = {{.keys = {"p/1", {}}, .target = Compare::Target::value, .text = "mine"}};
    nested.success = {Put{"p/1", "x", 77}, Delete{{"p/2", "p/3"}}};
    Transaction whole;
    whole.conditions = {
        {.keys = {"a", "b"}, .target = Compare::Target::created, .relation = Compare::Relation::equal},
        {.keys = {"c", {}}, .target = Compare::Target::modified, .relation = Compare::Relation::less, .number = 9},
        {.keys = {"d", {}}, .target = Compare::Target::lease, .relation = Compare::Relation::equal, .number = 5}};
    whole.success = {Get{{"q", "r"}, 3}, nested};
    whole.failure = {Get{{"s", {}}, 0}};

    pb::TxnRequest request;
    translate(whole, request);
    EXPECT(request.compare_size() == 3 && request.success_size() == 2 && request.failure_size() == 1, "all parts");
    EXPECT(request.compare(0).target() == pb::Compare::CREATE && request.compare(0).range_end() == "b" &&
               request.compare(0).target_union_case() == pb::Compare::kCreateRevision,
           "a range, compared with the revision 0");
    EXPECT(request.compare(1).result() == pb::Compare::LESS && request.compare(1).mod_revision() == 9, "less than 9");
    EXPECT(request.compare(2).target() == pb::Compare::LEASE && request.compare(2).lease() == 5, "the lease");
    EXPECT(request.success(0).request_range().limit() == 3, "the limit of a page");
    const pb::TxnRequest& inner = request.success(1).request_txn();
    EXPECT(inner.compare(0).target() == pb::Compare::VALUE && inner.compare(0).value() == "mine", "the value");
    EXPECT(inner.success(0).request_put().lease() == 77 && inner.success(0).request_put().value() == "x", "the put");
    EXPECT(inner.success(1).request_delete_range().range_end() == "p/3", "the deletion");
}

SESSLIMIT_TEST(a_reply_lists_results_from_the_outermost_transaction_to_the_innermost) {
    pb::TxnResponse response;
    response.mutable_header()->set_revision(41);
    response.set_succeeded(true);
    pb::TxnResponse& inner = *response.add_responses()->mutable_response_txn();
    pb::KeyValue& found = *inner.add_responses()->mutable_response_range()->add_kvs();
    found.set_key("p/1");
    found.set_value("v");
    found.set_create_revision(3);
    found.set_mod_revision(4);
    found.set_lease(5);
    const TransactionReply reply = translate(response);
    EXPECT(reply.revision == 41 && reply.succeeded == (std::vector<bool>{true, false}), "the results");
    EXPECT(reply.found == (std::vector<KeyValue>{{"p/1", "v", 3, 4, 5}}), "the key");
}

SESSLIMIT_TEST(keys_can_be_counted) {
    Transaction whole;
    whole.success = {Get{.keys = {"a", "b"}, .limit = 0, .count_only = true}, Get{{"c", {}}, 0}};
    pb::TxnRequest request;
    translate(whole, request);
    EXPECT(request.success(0).request_range().count_only() && !request.success(1).request_range().count_only(),
           "the first range");
    pb::TxnResponse response;
    response.add_responses()->mutable_response_range()->set_count(7);
    response.add_responses()->mutable_response_range();
    EXPECT(translate(response).counts == (std::vector<std::int64_t>{7, 0}), "one number for each range");
}

SESSLIMIT_TEST(the_state_of_a_node_is_read) {
    pb::StatusResponse response;
    response.mutable_header()->set_member_id(5);
    response.mutable_header()->set_revision(41);
    response.set_version("3.6.0");
    response.set_dbsize(100);
    response.set_dbsizeinuse(60);
    response.set_dbsizequota(-1);
    response.set_leader(6);
    response.set_raftindex(9);
    response.set_raftappliedindex(8);
    response.add_errors("etcdserver: no leader");
    response.add_errors("x");
    const NodeReply node = translate(response);
    EXPECT(node.member == 5 && node.leader == 6 && node.revision == 41 && node.raft_index == 9 &&
               node.raft_applied == 8,
           "numbers");
    EXPECT(node.size == 100 && node.in_use == 60 && node.quota == 0, "sizes, of which one is not valid");
    EXPECT_TEXT(node.version + " " + node.problem, "3.6.0 etcdserver: no leader; x");
    pb::AlarmResponse raised;
    raised.add_alarms()->set_alarm(pb::NOSPACE);
    raised.add_alarms()->set_memberid(7);
    const AlarmsReply alarms = translate(raised);
    EXPECT(alarms.alarms.size() == 2 && alarms.alarms[0].type == Alarm::Type::no_space &&
               alarms.alarms[1].type == Alarm::Type::other && alarms.alarms[1].member == 7,
           "alarms");
}

SESSLIMIT_TEST(errors_are_classified_by_whether_a_retry_can_help) {
    const struct {
        grpc::StatusCode code;
        const char* text;
        Kind kind;
    } cases[] = {
        {grpc::StatusCode::NOT_FOUND, "etcdserver: requested lease not found", Kind::no_lease},
        {grpc::StatusCode::RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", Kind::rejected},
        {grpc::StatusCode::RESOURCE_EXHAUSTED, "etcdserver: too many requests", Kind::unavailable},
        {grpc::StatusCode::RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 4)", Kind::too_large},
        {grpc::StatusCode::PERMISSION_DENIED, "etcdserver: permission denied", Kind::rejected},
        {grpc::StatusCode::INVALID_ARGUMENT, "etcdserver: user name is empty", Kind::rejected},
        {grpc::StatusCode::INVALID_ARGUMENT, "etcdserver: revision of auth store is old", Kind::unavailable},
        {grpc::StatusCode::UNAVAILABLE, "etcdserver: leader changed", Kind::unavailable},
        {grpc::StatusCode::UNKNOWN, "raft proposal dropped", Kind::unavailable},
        {grpc::StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded", Kind::unavailable},
    };
    for (const auto& each : cases) {
        EXPECT(failure_of(grpc::Status(each.code, each.text)).kind == each.kind, each.text);
    }
}

} // namespace
} // namespace sesslimit::fleet::etcd
