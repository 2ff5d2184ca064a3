// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/etcd/credentials.hpp"

#include <grpcpp/channel.h>

#include <memory>
#include <string>

namespace sesslimit::fleet::etcd {

/// Creates the connection to one node, given as HOST:PORT. The connection is established by the first call.
std::shared_ptr<grpc::Channel> make_channel(const std::string& address, const Credentials& credentials);

} // namespace sesslimit::fleet::etcd
