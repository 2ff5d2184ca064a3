// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "fleet/fleetd/options.hpp"

#include <memory>

namespace sesslimit::fleet {

/// The process sesslimit-fleetd: the agent with its clock, its connections to etcd and to sesslimitd, and its texts for
/// the journal.
class Fleetd {
  public:
    /// Reads the configuration and creates all sockets. Errors: the configuration or a file for TLS is not valid, or
    /// the process has no socket.
    static Result<Fleetd> make(const Options& options);

    Fleetd(Fleetd&&) noexcept;
    Fleetd& operator=(Fleetd&&) noexcept;
    ~Fleetd();

    /// Runs until the process receives SIGTERM or SIGINT.
    Result<> run();

  private:
    struct Impl;
    explicit Fleetd(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::fleet
