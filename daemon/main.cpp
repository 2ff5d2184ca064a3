// SPDX-License-Identifier: MIT
#include "daemon/daemon.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>

namespace {

constexpr int wrong_usage = 2; // systemd.exec(5) knows it as INVALIDARGUMENT

int run(int argc, char** argv) {
    sesslimit::Options options;
    CLI::App app{"Enforce limits on concurrent, long-running and idle login sessions.", "sesslimitd"};
    sesslimit::add_options(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == EXIT_SUCCESS ? EXIT_SUCCESS : wrong_usage; // --help and --version end here, too
    }

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
