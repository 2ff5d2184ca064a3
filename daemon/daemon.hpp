// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/options.hpp"

#include <memory>

namespace sesslimit {

/// The whole daemon: makes its rooms, wires them to each other, and starts them in the order in which they need each
/// other: policy, sessions of the ledger, logind's sessions, and only then the logins that wait.
class Daemon {
  public:
    static Result<std::unique_ptr<Daemon>> make(const Options& options);

    virtual ~Daemon() = default;

    /// Runs until SIGTERM or SIGINT. SIGHUP takes up the policy anew.
    virtual Result<> run() = 0;
};

} // namespace sesslimit
