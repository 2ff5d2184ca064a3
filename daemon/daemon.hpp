// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/options.hpp"

#include <memory>

namespace sesslimit {

/// Complete daemon. It creates its components, connects them, and starts them in the order of their dependencies. It
/// loads the policy first, then the sessions of the ledger, and then the sessions of logind. Requests of logins are
/// handled last.
class Daemon {
  public:
    /// Creates the components that do not depend on the policy. Errors: a component or a socket cannot be created.
    static Result<std::unique_ptr<Daemon>> make(const Options& options);

    virtual ~Daemon() = default;

    /// Runs until SIGTERM or SIGINT. SIGHUP reloads the policy.
    virtual Result<> run() = 0;
};

} // namespace sesslimit
