// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "fleet/fleetd/options.hpp"

namespace sesslimit::fleet {

/// The listening sockets of sesslimit-fleetd.
struct Sockets {
    UniqueFd daemon; ///< For sesslimitd.
    UniqueFd admin;  ///< For administrators. Empty if systemd has not passed it and its option is not given.
};

/// Returns the sockets that systemd has passed, or creates those whose paths are given. systemd gives one name to all
/// sockets of a unit, so that they are distinguished by their paths. Errors: there is no socket for sesslimitd.
Result<Sockets> take_sockets(const Options& options);

} // namespace sesslimit::fleet
