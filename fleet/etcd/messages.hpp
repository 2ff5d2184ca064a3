// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/agent.hpp"

#include <string_view>

namespace grpc {
class Status;
}

namespace etcdserverpb {
class TxnRequest;
class TxnResponse;
class StatusResponse;
class AlarmResponse;
} // namespace etcdserverpb

/// The translation between the values of fleet/store.hpp and the messages of etcd. It uses no network.
namespace sesslimit::fleet::etcd {

/// Writes a transaction as a message of etcd.
void translate(const Transaction& transaction, etcdserverpb::TxnRequest& request);

/// Reads the reply to a transaction.
TransactionReply translate(const etcdserverpb::TxnResponse& response);

/// Reads the state of a node, and the alarms of all nodes.
NodeReply translate(const etcdserverpb::StatusResponse& response);
AlarmsReply translate(const etcdserverpb::AlarmResponse& response);

/// Classifies the error of a call. The description contains the text of etcd or of gRPC, which is not escaped.
CallFailure failure_of(const grpc::Status& status);

} // namespace sesslimit::fleet::etcd
