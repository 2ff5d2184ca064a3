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
        // CLI11 reports the options --help and --version as a ParseError with exit status 0.
        return app.exit(error) == EXIT_SUCCESS ? EXIT_SUCCESS : wrong_usage;
    }

    // Reads the time zone of the host once, for the local times in messages.
    tzset();
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
        // The daemon does not throw exceptions deliberately. If memory runs out (std::bad_alloc), systemd restarts the
        // daemon, which restores all sessions from the ledger.
        std::fprintf(stderr, "sesslimitd: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
