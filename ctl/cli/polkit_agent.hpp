// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

namespace sesslimit::ctl {

/// A polkit agent that asks for passwords on the terminal during the lifetime of this object, as systemctl does. The
/// object runs pkttyagent(1) if that program is installed. An agent of the desktop takes precedence.
class PolkitAgent {
  public:
    /// Returns when the agent is ready, or after 5 s.
    PolkitAgent();
    PolkitAgent(const PolkitAgent&) = delete;
    PolkitAgent& operator=(const PolkitAgent&) = delete;
    ~PolkitAgent();

  private:
    pid_t pid_ = 0;
};

} // namespace sesslimit::ctl
