// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

namespace sesslimit::ctl {

/// A polkit agent that asks for passwords on the terminal as long as this object exists, as in systemctl. The object
/// runs pkttyagent(1) if that program is installed. If the desktop has an agent, polkit uses that agent instead.
class PolkitAgent {
  public:
    /// Starts the agent. Returns when the agent is ready to ask for passwords, or after 5 s.
    PolkitAgent();
    PolkitAgent(const PolkitAgent&) = delete;
    PolkitAgent& operator=(const PolkitAgent&) = delete;
    ~PolkitAgent();

  private:
    pid_t pid_ = 0;
};

} // namespace sesslimit::ctl
