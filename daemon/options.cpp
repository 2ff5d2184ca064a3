// SPDX-License-Identifier: MIT
#include "daemon/options.hpp"

#include <CLI/CLI.hpp>

namespace sesslimit {

void add_options(CLI::App& app, Options& options) {
    app.add_option("--policy-dir", options.policy_directory,
                   "Policy directory, with policy.toml, policy.d and managed.d")
        ->capture_default_str();
    app.add_option("--runtime-dir", options.runtime_directory, "Directory for the session ledger and the cached policy")
        ->capture_default_str();
    app.add_option("--socket", options.socket, "Path of the socket to listen on if systemd does not pass one");
    app.add_option("--fleet-socket", options.fleet_socket, "Path of the socket of sesslimit-fleetd")
        ->capture_default_str();
    app.set_version_flag("--version", "sesslimitd " SESSLIMIT_VERSION);
}

} // namespace sesslimit
