// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace sesslimit {

/// A daemon, as its main() describes it.
struct Program {
    const char* name;
    const char* description; ///< One sentence, shown by --help.
    /// Adds the options of the command line.
    std::function<void(CLI::App&)> add_options;
    /// Runs the daemon until it is stopped.
    std::function<Result<>()> run;
    /// Receives the error with which the daemon failed.
    std::function<void(const std::string&)> report;
};

/// Parses the command line and runs the daemon. Returns its exit status: EXIT_SUCCESS, EXIT_FAILURE, or 2 if the
/// command line is not valid.
int run_program(const Program& program, int argc, char** argv);

} // namespace sesslimit
