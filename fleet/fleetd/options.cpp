// SPDX-License-Identifier: MIT
#include "fleet/fleetd/options.hpp"

#include <CLI/CLI.hpp>

namespace sesslimit::fleet {

void add_options(CLI::App& app, Options& options) {
    app.add_option("--config", options.config, "Configuration file, see fleet.toml(5)")->capture_default_str();
    app.add_option("--socket", options.socket, "Path of the socket to listen on if systemd does not pass one");
    app.add_option("--admin-socket", options.admin_socket,
                   "Path of the socket for sesslimitctl if systemd does not pass one");
    app.set_version_flag("--version", "sesslimit-fleetd " SESSLIMIT_VERSION);
}

} // namespace sesslimit::fleet
