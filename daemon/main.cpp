// SPDX-License-Identifier: MIT
#include "daemon/daemon.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>

namespace {

constexpr int wrong_usage = 2; // INVALIDARGUMENT in systemd.exec(5)

int run(int argc, char** argv) {
    sesslimit::Options options;
    CLI::App app{"Enforce limits on concurrent, long-running and idle login sessions.", "sesslimitd"};
    sesslimit::add_options(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == EXIT_SUCCESS ? EXIT_SUCCESS : wrong_usage; // --help and --version are also reported as ParseError
    }

    tzset(); // reads the host's time zone once, for the times in texts
    auto daemon = sesslimit::Daemon::make(options);
    const auto done = daemon ? daemon->run() : sesslimit::Result<>(std::unexpected(daemon.error()));
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
        // No exception is thrown deliberately. If memory runs out, systemd restarts the daemon, and the ledger has
        // every session.
        std::fprintf(stderr, "sesslimitd: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
