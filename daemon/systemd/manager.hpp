// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/systemd/scopes.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sesslimit::systemd {

/// A client of systemd on the system bus (org.freedesktop.systemd1(5)), which allows root to do all of this without a
/// capability. Every call is asynchronous. Reconnects when a lost bus returns.
class Manager final : public Scopes {
  public:
    /// `failed` receives errors for the administrator that have no other receiver.
    Manager(sd_event* loop, std::function<void(Error)> failed);
    ~Manager() override;

    /// Starts to connect. Calls made before the connection is established wait for it.
    void connect();

    void start(const NewScope& scope, const std::vector<pid_t>& processes, Done done) override;
    void attach(const std::string& scope, const std::vector<pid_t>& processes, Done done) override;
    void give_up(const std::string& scope) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::systemd
