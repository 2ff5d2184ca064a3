// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace sesslimit::fleet {

/// Command line options of sesslimit-fleetd, with their default values.
struct Options {
    /// Path of fleet.toml.
    std::filesystem::path config = "/etc/sesslimit/fleet.toml";
    /// Path of the socket for sesslimitd, which is created if systemd does not pass a socket. Empty if the option
    /// --socket is not given.
    std::string socket;
    /// Path of the socket for administrators, as above.
    std::string admin_socket;
};

/// Adds the options of sesslimit-fleetd(8) to `app`. When `app` parses a command line, it stores the values in
/// `options`. Lifetime: `options` must outlive `app`.
void add_options(CLI::App& app, Options& options);

} // namespace sesslimit::fleet
