// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/client/fleet_client.hpp"
#include "ctl/client/host.hpp"
#include "daemon/policy/load.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace sesslimit::ctl {

/// The options of the command `sesslimitctl fleet`.
struct FleetRequest {
    enum class Action : std::uint8_t { list, hosts, status, end_user, end_credential, drain, forget };
    Action action = Action::list;
    std::string name{};              ///< User, credential or host. For `list` it may be empty.
    std::string message{};           ///< Text for the users of the terminated sessions.
    std::uint32_t timeout_ms = 5000; ///< Time in which the hosts can answer an order to terminate sessions.
    std::string socket = fleet::admin::default_socket;
};

/// The interfaces that the command uses.
struct FleetTools {
    FleetRemote& remote;
    Host& host;
    policy::Names& names;
    /// Returns the name of the user with this ID, if it is known.
    std::function<std::optional<std::string>(uid_t)> name_of;
};

/// Lists sessions, hosts or the state of the fleet, or changes the fleet. Asks for confirmation of changes as the
/// commands of ctl/commands/end.hpp do. Returns Exit::failed if a host has not answered an order.
Exit fleet(const FleetRequest& request, const FleetTools& tools, Console& console);

} // namespace sesslimit::ctl
