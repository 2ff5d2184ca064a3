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

/// Client of systemd on the system bus (org.freedesktop.systemd1(5)), which creates scopes. systemd permits root to
/// make the necessary calls, even without a capability. Every call is asynchronous. The client reconnects after the
/// connection to the bus is lost.
class Manager final : public Scopes {
  public:
    /// `failed` receives errors for the administrator that are not passed to any other callback.
    Manager(sd_event* loop, std::function<void(Error)> failed);
    ~Manager() override;

    /// Starts to connect to the bus. Calls that are made before the connection is established are sent afterwards.
    void connect();

    void start(const NewScope& scope, const std::vector<pid_t>& processes, Done done) override;
    void attach(const std::string& scope, const std::vector<pid_t>& processes, Done done) override;
    void kill(const std::string& scope, int signal) override;
    void give_up(const std::string& scope) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::systemd
