// SPDX-License-Identifier: MIT
#include "daemon/program.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <exception>

namespace sesslimit {
namespace {

constexpr int wrong_usage = 2; // INVALIDARGUMENT in systemd.exec(5)

int parse_and_run(const Program& program, int argc, char** argv) {
    CLI::App app{program.description, program.name};
    program.add_options(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // CLI11 reports the options --help and --version as a ParseError with exit status 0.
        return app.exit(error) == EXIT_SUCCESS ? EXIT_SUCCESS : wrong_usage;
    }
    if (auto done = program.run(); !done) {
        program.report(done.error().what);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

} // namespace

int run_program(const Program& program, int argc, char** argv) {
    try {
        return parse_and_run(program, argc, argv);
    } catch (const std::exception& error) {
        // The daemons do not throw exceptions deliberately. If memory runs out (std::bad_alloc), systemd restarts the
        // daemon. sesslimitd restores all sessions from the ledger, and sesslimit-fleetd finds its records in etcd.
        program.report(error.what());
        return EXIT_FAILURE;
    }
}

} // namespace sesslimit
