// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/options.hpp"

#include <memory>

namespace sesslimit {

/// The daemon with all of its components. At its start, it first loads the policy, then restores the sessions of the
/// ledger file, and then reads the sessions of logind. Login requests are accepted last.
class Daemon {
  public:
    /// Creates the components of the daemon, and blocks the signals that the daemon handles. Must be called before a
    /// second thread is started. Errors: a component or a socket cannot be created.
    static Result<Daemon> make(const Options& options);

    Daemon(Daemon&&) noexcept;
    Daemon& operator=(Daemon&&) noexcept;
    ~Daemon();

    /// Runs the daemon until it receives SIGTERM or SIGINT. SIGHUP reloads the policy. Errors: the event loop fails, or
    /// another instance of the daemon uses the ledger.
    Result<> run();

  private:
    struct Impl;
    explicit Daemon(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit
