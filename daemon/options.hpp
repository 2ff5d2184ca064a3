// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/protocol.hpp"

#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace sesslimit {

/// Command line options of sesslimitd, with their default values.
struct Options {
    /// Directory that contains policy.toml, policy.d and managed.d.
    std::filesystem::path policy_directory = "/etc/sesslimit";
    /// Directory of the ledger file and the policy cache.
    std::filesystem::path runtime_directory = "/run/sesslimit";
    /// Path of the socket for login requests, which is created if systemd does not pass a socket. Empty if the option
    /// --socket is not given.
    std::string socket;
    /// Path of the socket of sesslimit-fleetd.
    std::string fleet_socket = fleet::wire::default_socket;
};

/// Adds the options of sesslimitd(8) to `app`. When `app` parses a command line, it stores the values in `options`.
/// Lifetime: `options` must outlive `app`.
void add_options(CLI::App& app, Options& options);

} // namespace sesslimit
