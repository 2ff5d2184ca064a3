// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"
#include "fleet/admin_protocol.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The interface by which the command `sesslimitctl fleet` calls sesslimit-fleetd, and the values that it returns.
/// Their texts are neither escaped nor checked to be UTF-8.
namespace sesslimit::ctl {

/// A session on a host of the fleet, or a slot that was freed. It has a user name or a user ID.
struct FleetSession {
    std::string host;
    std::uint64_t session = 0;
    std::string user;
    std::optional<std::uint32_t> uid;
    std::uint32_t slot = 0;
    std::uint64_t since = 0; ///< Seconds since the Epoch.
    std::string service, tty, origin, rule;
};

struct FleetHost {
    std::string name;
    bool is_this = false;
    std::string version, policy;
    std::optional<std::uint32_t> sessions;
};

/// The state of this host in the fleet.
struct FleetState {
    std::string fleet, host, version;
    bool up = false;
    std::string reason;
    bool by_uid = false;
    std::uint64_t lease = 0;
    std::uint32_t ttl = 0; ///< Seconds.
    std::uint32_t sessions = 0;
};

/// A node of etcd. Values that it has not reported are absent.
struct FleetNode {
    std::string endpoint;
    bool reachable = false;
    std::string problem, version;
    bool leader = false;
    std::optional<std::uint64_t> member, size, in_use, quota, revision, raft_index, raft_applied;
    std::optional<std::uint32_t> latency_us;
};

using FleetAlarm = fleet::admin::AlarmRow;

/// The result of an order to terminate sessions on a host.
struct FleetEnded {
    std::string host;
    bool answered = false;
    std::uint32_t count = 0;
};

/// The reply to a request, which contains the values that belong to the request.
struct FleetReply {
    std::vector<FleetSession> sessions;
    std::vector<FleetHost> hosts;
    std::optional<FleetState> state;
    std::vector<FleetNode> nodes;
    std::vector<FleetAlarm> alarms;
    std::vector<FleetEnded> ended;
    std::string note; ///< Remark about the reply; may be empty.
};

/// The interface to sesslimit-fleetd.
class FleetRemote {
  public:
    FleetRemote() = default;
    FleetRemote(const FleetRemote&) = delete;
    FleetRemote& operator=(const FleetRemote&) = delete;
    virtual ~FleetRemote() = default;

    virtual Answer<FleetReply> ask(const fleet::admin::Request& request) = 0;
};

/// A connection to sesslimit-fleetd for each request. Blocks until the reply is complete.
class FleetClient final : public FleetRemote {
  public:
    /// Time in milliseconds until the next frame must arrive, in addition to the timeout of the request.
    static constexpr int default_patience = 20'000;

    explicit FleetClient(std::string socket, int patience = default_patience)
        : socket_(std::move(socket)), patience_(patience) {}

    Answer<FleetReply> ask(const fleet::admin::Request& request) override;

  private:
    std::string socket_;
    int patience_;
};

} // namespace sesslimit::ctl
