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

/// systemd over the system bus (org.freedesktop.systemd1(5)), which lets root do all of this without a capability.
/// Every call is asynchronous. A bus that goes away is reached again when it is back.
class Manager final : public Scopes {
  public:
    /// `failed` is told what an administrator should know and nobody waits for.
    Manager(sd_event* loop, std::function<void(Error)> failed);
    ~Manager() override;

    /// Begins to connect. What is asked before that stands waits for it.
    void connect();

    void start(const NewScope& scope, const std::vector<pid_t>& processes, Done done) override;
    void attach(const std::string& scope, const std::vector<pid_t>& processes, Done done) override;
    void give_up(const std::string& scope) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::systemd
