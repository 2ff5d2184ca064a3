// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace sesslimit {

/// Command line options of the daemon, with their defaults.
struct Options {
    std::filesystem::path policy_directory = "/etc/sesslimit";
    std::filesystem::path runtime_directory = "/run/sesslimit";
    std::string socket; ///< path of the socket if systemd does not pass one; empty: none
};

/// Adds the daemon's options to `app`. sesslimitd(8) documents them. Parsing fills `options`, which must outlive `app`.
void add_options(CLI::App& app, Options& options);

} // namespace sesslimit
