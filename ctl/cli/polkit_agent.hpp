// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

namespace sesslimit::ctl {

/// Check for passwords on the terminal while it lives, as systemctl does: pkttyagent(1), where polkit has it installed.
/// It steps back for an agent that the desktop has already.
class PolkitAgent {
  public:
    /// Returns when the agent is there, or after 5 s.
    PolkitAgent();
    PolkitAgent(const PolkitAgent&) = delete;
    PolkitAgent& operator=(const PolkitAgent&) = delete;
    ~PolkitAgent();

  private:
    pid_t pid_ = 0;
};

} // namespace sesslimit::ctl
