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
} // namespace etcdserverpb

/// The translation between the values of fleet/store.hpp and the messages of etcd. It uses no network.
namespace sesslimit::fleet::etcd {

/// Writes a transaction as a message of etcd.
void translate(const Transaction& transaction, etcdserverpb::TxnRequest& request);

/// Reads the reply to a transaction.
TransactionReply translate(const etcdserverpb::TxnResponse& response);

/// Classifies the error of a call. The description contains the text of etcd or of gRPC, which is not escaped.
CallFailure failure_of(const grpc::Status& status);

} // namespace sesslimit::fleet::etcd
