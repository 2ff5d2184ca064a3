// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/options.hpp"

#include <memory>

namespace sesslimit {

/// The complete daemon. Creates its components, connects them, and starts them in the order of their dependencies.
/// First comes the policy, then the sessions of the ledger, then the sessions of logind, and finally the waiting
/// logins.
class Daemon {
  public:
    /// Creates the components that do not depend on the policy. Errors: one of them or a socket cannot be created.
    static Result<std::unique_ptr<Daemon>> make(const Options& options);

    virtual ~Daemon() = default;

    /// Runs until SIGTERM or SIGINT. SIGHUP reloads the policy.
    virtual Result<> run() = 0;
};

} // namespace sesslimit
