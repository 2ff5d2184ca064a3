// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace sesslimit {

struct Options {
    std::filesystem::path policy_directory = "/etc/sesslimit";
    std::filesystem::path runtime_directory = "/run/sesslimit";
    std::string socket; ///< where to listen when systemd passes no socket; empty: nowhere
};

/// Teaches `app` the daemon's command line; sesslimitd(8) lists the same. Parsing fills `options`, which outlives it.
void add_options(CLI::App& app, Options& options);

} // namespace sesslimit
