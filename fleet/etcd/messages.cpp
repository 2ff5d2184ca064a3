// SPDX-License-Identifier: MIT
#include "fleet/etcd/messages.hpp"

#include <etcd.grpc.pb.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <string>

namespace sesslimit::fleet::etcd {
namespace {

namespace pb = etcdserverpb;

void translate_compare(const Compare& compare, pb::Compare& message) {
    message.set_key(compare.keys.first);
    message.set_range_end(compare.keys.end);
    message.set_result(compare.relation == Compare::Relation::less ? pb::Compare::LESS : pb::Compare::EQUAL);
    switch (compare.target) {
    case Compare::Target::created:
        message.set_target(pb::Compare::CREATE);
        message.set_create_revision(compare.number);
        break;
    case Compare::Target::modified:
        message.set_target(pb::Compare::MOD);
        message.set_mod_revision(compare.number);
        break;
    case Compare::Target::value:
        message.set_target(pb::Compare::VALUE);
        message.set_value(compare.text);
        break;
    case Compare::Target::lease:
        message.set_target(pb::Compare::LEASE);
        message.set_lease(compare.number);
        break;
    }
}

// The nesting is bounded by max_tries of fleet/claim.hpp.
struct TranslateOperation { // NOLINT(misc-no-recursion)
    pb::RequestOp& message;

    void operator()(const Get& get) const {
        pb::RangeRequest& range = *message.mutable_request_range();
        range.set_key(get.keys.first);
        range.set_range_end(get.keys.end);
        range.set_limit(get.limit);
        range.set_count_only(get.count_only);
    }
    void operator()(const Put& put) const {
        pb::PutRequest& request = *message.mutable_request_put();
        request.set_key(put.key);
        request.set_value(put.value);
        request.set_lease(put.lease);
    }
    void operator()(const Delete& deletion) const {
        pb::DeleteRangeRequest& range = *message.mutable_request_delete_range();
        range.set_key(deletion.keys.first);
        range.set_range_end(deletion.keys.end);
    }
    void operator()(const Transaction& nested) const { translate(nested, *message.mutable_request_txn()); }
};

/// Adds the results of a transaction and of its nested transactions to `reply`.
void add_results(const pb::TxnResponse& response, TransactionReply& reply) {
    reply.succeeded.push_back(response.succeeded());
    for (const pb::ResponseOp& operation : response.responses()) {
        if (operation.has_response_range()) {
            reply.counts.push_back(operation.response_range().count());
        }
        for (const pb::KeyValue& found : operation.response_range().kvs()) {
            reply.found.push_back({.key = found.key(),
                                   .value = found.value(),
                                   .created = found.create_revision(),
                                   .modified = found.mod_revision(),
                                   .lease = found.lease()});
        }
        if (operation.has_response_txn()) {
            add_results(operation.response_txn(), reply);
        }
    }
}

} // namespace

void translate(const Transaction& transaction, pb::TxnRequest& request) {
    for (const Compare& compare : transaction.conditions) {
        translate_compare(compare, *request.add_compare());
    }
    for (const Operation& operation : transaction.success) {
        std::visit(TranslateOperation{*request.add_success()}, operation);
    }
    for (const Operation& operation : transaction.failure) {
        std::visit(TranslateOperation{*request.add_failure()}, operation);
    }
}

TransactionReply translate(const pb::TxnResponse& response) {
    TransactionReply reply;
    reply.revision = response.header().revision();
    add_results(response, reply);
    return reply;
}

NodeReply translate(const pb::StatusResponse& response) {
    const auto size = [](std::int64_t bytes) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, bytes)); };
    NodeReply reply{.member = response.header().member_id(),
                    .leader = response.leader(),
                    .version = response.version(),
                    .size = size(response.dbsize()),
                    .in_use = size(response.dbsizeinuse()),
                    .quota = size(response.dbsizequota()),
                    .revision = size(response.header().revision()),
                    .raft_index = response.raftindex(),
                    .raft_applied = response.raftappliedindex()};
    for (const std::string& error : response.errors()) {
        reply.problem += (reply.problem.empty() ? "" : "; ") + error;
    }
    return reply;
}

AlarmsReply translate(const pb::AlarmResponse& response) {
    AlarmsReply reply;
    for (const pb::AlarmMember& raised : response.alarms()) {
        reply.alarms.push_back({raised.alarm() == pb::NOSPACE   ? Alarm::Type::no_space
                                : raised.alarm() == pb::CORRUPT ? Alarm::Type::corrupt
                                                                : Alarm::Type::other,
                                raised.memberid()});
    }
    return reply;
}

CallFailure failure_of(const grpc::Status& status) {
    const std::string& text = status.error_message();
    const auto contains = [&text](std::string_view part) { return text.find(part) != std::string::npos; };
    using Kind = CallFailure::Kind;
    switch (status.error_code()) {
    case grpc::StatusCode::NOT_FOUND:
        return {contains("lease not found") ? Kind::no_lease : Kind::rejected, text};
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
        // gRPC has not accepted the reply, and will not accept the next one either.
        if (contains("larger than max")) {
            return {Kind::too_large, text};
        }
        // etcd's quota is exceeded until an administrator acts. Its other errors with this code are temporary.
        return {contains("database space exceeded") ? Kind::rejected : Kind::unavailable, text};
    case grpc::StatusCode::INVALID_ARGUMENT:
        // The permissions have been changed since the node has checked them.
        return {contains("revision of auth store is old") ? Kind::unavailable : Kind::rejected, text};
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::OUT_OF_RANGE:
    case grpc::StatusCode::UNIMPLEMENTED:
        return {Kind::rejected, text};
    case grpc::StatusCode::DEADLINE_EXCEEDED:
        return {Kind::unavailable, "no answer in time"};
    default:
        return {Kind::unavailable, text};
    }
}

} // namespace sesslimit::fleet::etcd
