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

/// Client of systemd on the system bus (org.freedesktop.systemd1(5)). systemd permits these calls to root without a
/// capability. Every call is asynchronous. The client reconnects when a lost bus returns.
class Manager final : public Scopes {
  public:
    /// Takes the callback for errors that no caller receives. They are meant for the administrator.
    Manager(sd_event* loop, std::function<void(Error)> failed);
    ~Manager() override;

    /// Starts to connect. Earlier calls wait until the connection is established.
    void connect();

    void start(const NewScope& scope, const std::vector<pid_t>& processes, Done done) override;
    void attach(const std::string& scope, const std::vector<pid_t>& processes, Done done) override;
    void give_up(const std::string& scope) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::systemd
