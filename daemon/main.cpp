// SPDX-License-Identifier: MIT
#include "daemon/daemon.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>

namespace {

int run(int argc, char** argv) {
    sesslimit::Options options;
    CLI::App app{"Counts login sessions, and ends those that last too long or stay idle too long.", "sesslimitd"};
    app.add_option("--policy-dir", options.policy_directory, "Where policy.toml, policy.d and managed.d are")
        ->capture_default_str();
    app.add_option("--runtime-dir", options.runtime_directory, "Where the ledger is kept")->capture_default_str();
    app.add_option("--socket", options.socket, "Listen here, where systemd passes no socket");
    app.set_version_flag("--version", "sesslimitd " SESSLIMIT_VERSION);
    CLI11_PARSE(app, argc, argv);

    tzset(); // times in texts are the host's; read once, before the loop
    auto daemon = sesslimit::Daemon::make(options);
    const auto done = daemon ? (*daemon)->run() : sesslimit::Result<>(std::unexpected(daemon.error()));
    if (!done) {
        std::fprintf(stderr, "sesslimitd: %s\n", done.error().what.c_str());
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        // Nothing is thrown on purpose; out of memory, systemd starts us again and the ledger has every session.
        std::fprintf(stderr, "sesslimitd: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
