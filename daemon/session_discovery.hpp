// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/engine.hpp"
#include "daemon/monitor/leader_monitor.hpp"
#include "daemon/worker.hpp"

#include <set>
#include <string>

namespace sesslimit {

/// Source of the sessions that the daemon discovers without a request of the PAM module. These are the sessions in the
/// ledger file and the sessions of logind. Each session is reported to the engine as an event. If the groups of the
/// user of a session are unknown, the worker thread looks them up.
class SessionDiscovery {
  public:
    struct Dependencies {
        EventQueue& events;
        const Engine& engine;
        Worker& worker;
        monitor::LeaderMonitor& leaders;
    };

    /// Lifetime: the objects that `dependencies` references must outlive the SessionDiscovery.
    explicit SessionDiscovery(Dependencies dependencies) : dependencies_(dependencies) {}

    /// Reports a session that was read from the ledger file.
    void restore(core::Session&& session);

    /// Reports a session of logind. `session` does not contain the groups of its user. If the daemon does not know the
    /// session yet, the groups are looked up before the report.
    void add(core::LogindSession session);

    /// Reports that logind has removed a session. If the groups of its user are being looked up, the result is
    /// discarded.
    void remove(const std::string& logind_id);

  private:
    Dependencies dependencies_;
    /// IDs of the logind sessions for which the groups of the user are being looked up.
    std::set<std::string> pending_;
};

} // namespace sesslimit
