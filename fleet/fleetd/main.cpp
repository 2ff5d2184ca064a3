// SPDX-License-Identifier: MIT
#include "fleet/fleetd/fleetd.hpp"

#include "fleet/fleetd/log.hpp"

#include <CLI/CLI.hpp>
#include <syslog.h>

#include <cstdlib>
#include <exception>

namespace {

constexpr int wrong_usage = 2; // INVALIDARGUMENT in systemd.exec(5)

int run(int argc, char** argv) {
    sesslimit::fleet::Options options;
    CLI::App app{"Claim slots for the sessions of this host in the fleet.", "sesslimit-fleetd"};
    sesslimit::fleet::add_options(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // CLI11 reports the options --help and --version as a ParseError with exit status 0.
        return app.exit(error) == EXIT_SUCCESS ? EXIT_SUCCESS : wrong_usage;
    }
    auto fleetd = sesslimit::fleet::Fleetd::make(options);
    const auto done = fleetd ? fleetd->run() : sesslimit::Result<>(std::unexpected(fleetd.error()));
    if (!done) {
        sesslimit::fleet::log(LOG_ERR, done.error().what);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        // The process does not throw exceptions deliberately. If memory runs out (std::bad_alloc), systemd restarts it.
        // It finds its lease and the records of its sessions in etcd.
        sesslimit::fleet::log(LOG_ERR, error.what());
        return EXIT_FAILURE;
    }
}
