// SPDX-License-Identifier: MIT
#include "daemon/program.hpp"
#include "fleet/fleetd/fleetd.hpp"
#include "fleet/fleetd/log.hpp"

#include <syslog.h>

int main(int argc, char** argv) {
    sesslimit::fleet::Options options;
    const auto run = [&options]() -> sesslimit::Result<> {
        auto fleetd = sesslimit::fleet::Fleetd::make(options);
        return fleetd ? fleetd->run() : std::unexpected(fleetd.error());
    };
    return sesslimit::run_program(
        {.name = "sesslimit-fleetd",
         .description = "Claim slots for the sessions of this host in the fleet.",
         .add_options = [&options](CLI::App& app) { sesslimit::fleet::add_options(app, options); },
         .run = run,
         .report = [](const std::string& error) { sesslimit::fleet::log(LOG_ERR, error); }},
        argc, argv);
}
