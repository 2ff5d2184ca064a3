// SPDX-License-Identifier: MIT
#include "fleet/etcd/channel.hpp"

#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <cstdlib>

namespace sesslimit::fleet::etcd {
namespace {

constexpr int max_reply = 16 * 1024 * 1024;   ///< Maximum size of a reply in bytes.
constexpr int connect_timeout_ms = 2000;      ///< Time for an attempt to connect.
constexpr int first_reconnect_pause_ms = 100; ///< Pause after the first failed attempt.
constexpr int longest_reconnect_pause_ms = 1000;

/// Configures gRPC for the process. Must be called before the first channel is created.
void configure_grpc() {
    static const bool done = [] {
        // gRPC would wake up every 5 s to poll the connections, which the thread of the client does anyway.
        setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "0", 0);
        // The status of each call contains the reason of its failure.
        gpr_set_log_function([](gpr_log_func_args*) {});
        return true;
    }();
    (void)done;
}

} // namespace

std::shared_ptr<grpc::Channel> make_channel(const std::string& address, const Credentials& credentials) {
    configure_grpc();
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(max_reply);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, first_reconnect_pause_ms);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, connect_timeout_ms);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, longest_reconnect_pause_ms);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0); // the client repeats calls on other nodes
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1); // new credentials need a new connection
    const auto tls = grpc::SslCredentials({.pem_root_certs = credentials.ca,
                                           .pem_private_key = credentials.key,
                                           .pem_cert_chain = credentials.certificate});
    return grpc::CreateCustomChannel("dns:///" + address, tls, arguments);
}

} // namespace sesslimit::fleet::etcd
