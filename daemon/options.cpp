// SPDX-License-Identifier: MIT
#include "daemon/options.hpp"

#include <CLI/CLI.hpp>

namespace sesslimit {

void add_options(CLI::App& app, Options& options) {
    app.add_option("--policy-dir", options.policy_directory, "Directory of policy.toml, policy.d and managed.d")
        ->capture_default_str();
    app.add_option("--runtime-dir", options.runtime_directory, "Directory of the ledger and the policy cache")
        ->capture_default_str();
    app.add_option("--socket", options.socket, "Path to listen on if systemd passes no socket");
    app.set_version_flag("--version", "sesslimitd " SESSLIMIT_VERSION);
}

} // namespace sesslimit
