// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/engine.hpp"
#include "daemon/monitor/leader_monitor.hpp"
#include "daemon/worker.hpp"

#include <set>
#include <string>

namespace sesslimit {

/// Reports to the engine the sessions that did not arrive as requests of the PAM module, which are those of the ledger
/// and those of logind. If the groups of a session's user are unknown, the worker looks them up first.
class SessionDiscovery {
  public:
    struct Dependencies {
        EventQueue& events;
        const Engine& engine;
        Worker& worker;
        monitor::LeaderMonitor& leaders;
    };

    /// Lifetime: the referenced objects must outlive this object.
    explicit SessionDiscovery(Dependencies dependencies) : dependencies_(dependencies) {}

    /// Reports a session of the ledger.
    void restore(core::Session&& session);

    /// Reports a session of logind. `session` has no groups.
    void add(core::LogindSession session);

    /// Reports that logind has removed a session. A pending lookup for the session is discarded.
    void remove(const std::string& logind_id);

  private:
    Dependencies dependencies_;
    std::set<std::string> pending_; ///< IDs of logind sessions whose users' groups are being looked up
};

} // namespace sesslimit
