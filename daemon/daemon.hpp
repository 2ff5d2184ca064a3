// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/options.hpp"

#include <memory>

namespace sesslimit {

/// Complete daemon. It creates its components and starts them in the order of their dependencies. It loads the policy
/// first, then the sessions of the ledger, and then the sessions of logind. Requests of logins are handled last.
class Daemon {
  public:
    /// Creates the components. Errors: a component or a socket cannot be created.
    static Result<Daemon> make(const Options& options);

    Daemon(Daemon&&) noexcept;
    Daemon& operator=(Daemon&&) noexcept;
    ~Daemon();

    /// Runs until SIGTERM or SIGINT. SIGHUP reloads the policy. Errors: the event loop fails, or another daemon uses
    /// the ledger.
    Result<> run();

  private:
    struct Impl;
    explicit Daemon(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit
