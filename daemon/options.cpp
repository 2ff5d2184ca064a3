// SPDX-License-Identifier: MIT
#include "daemon/options.hpp"

#include <CLI/CLI.hpp>

namespace sesslimit {

void add_options(CLI::App& app, Options& options) {
    app.add_option("--policy-dir", options.policy_directory, "Where policy.toml, policy.d and managed.d are")
        ->capture_default_str();
    app.add_option("--runtime-dir", options.runtime_directory, "Where the ledger is kept")->capture_default_str();
    app.add_option("--socket", options.socket, "Listen here, where systemd passes no socket");
    app.set_version_flag("--version", "sesslimitd " SESSLIMIT_VERSION);
}

} // namespace sesslimit
