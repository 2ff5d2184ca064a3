// SPDX-License-Identifier: MIT
#include "daemon/daemon.hpp"
#include "daemon/program.hpp"

#include <cstdio>
#include <ctime>

int main(int argc, char** argv) {
    sesslimit::Options options;
    const auto run = [&options]() -> sesslimit::Result<> {
        tzset(); // reads the time zone of the host once, for the local times in messages
        auto daemon = sesslimit::Daemon::make(options);
        return daemon ? daemon->run() : std::unexpected(daemon.error());
    };
    return sesslimit::run_program(
        {.name = "sesslimitd",
         .description = "Enforce limits on concurrent, long-running and idle login sessions.",
         .add_options = [&options](CLI::App& app) { sesslimit::add_options(app, options); },
         .run = run,
         .report = [](const std::string& error) { std::fprintf(stderr, "sesslimitd: %s\n", error.c_str()); }},
        argc, argv);
}
