// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/service.hpp"
#include "daemon/engine.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/inspect/session_snapshots.hpp"
#include "daemon/inspect/tcp_activity.hpp"
#include "daemon/inspect/terminals.hpp"
#include "daemon/logind/logind.hpp"
#include "daemon/monitor/input_monitor.hpp"
#include "daemon/monitor/leader_monitor.hpp"
#include "daemon/output/denial_journal.hpp"
#include "daemon/output/journal.hpp"
#include "daemon/pam_server/server.hpp"
#include "daemon/systemd/multiplexer_preserver.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sesslimit {

/// Effect handler of the daemon. It uses the processes and terminals of this host, logind, the journal, and the
/// connections of logins.
class SystemEffectHandler final : public EffectHandler {
  public:
    struct Dependencies {
        sd_event* loop;
        output::Journal& journal;
        pam_server::Server& server;
        logind::Logind& logind;
        systemd::Scopes& scopes;
        monitor::LeaderMonitor& leaders;
        monitor::InputMonitor& listener;
        inspect::Connections& connections;
        inspect::SessionSnapshots& snapshots;
        api::Service& api;
        core::EventSink& events; ///< receives the events that effects cause
    };

    /// Lifetime: the referenced objects must outlive this object.
    explicit SystemEffectHandler(Dependencies dependencies);
    SystemEffectHandler(const SystemEffectHandler&) = delete;
    SystemEffectHandler& operator=(const SystemEffectHandler&) = delete;
    ~SystemEffectHandler() override = default;

    /// Writes all pending journal entries. Called when the daemon stops.
    void finish();

    void answer(const core::Answer& answer, const core::State& state) override;
    void notify(const core::Notice& notice) override;
    void terminate(const std::string& logind_id) override;
    void preserve_and_terminate(const core::Session& session) override;
    void lock_screen(const std::string& logind_id) override;
    void kill_all(const std::string& logind_id) override;
    void signal_leader(SessionKey key, int signal) override;
    std::optional<core::ActivityProbed> probe_activity(const core::Session& session) override;
    void check_logout(const core::CheckLogout& what) override;
    void track(const core::Session& session) override;
    void untrack(SessionKey key) override;
    void arm(BootTime deadline) override;

  private:
    [[nodiscard]] std::string denial(const core::Answer& answer, const core::State& state);

    void log_notice(const core::Notice& notice);

    /// Returns the terminals of the session, for output or for monitoring. Logs a warning and returns nothing if the
    /// terminals cannot be determined.
    [[nodiscard]] std::optional<std::vector<inspect::Terminal>> terminals_of(const core::Session& session);

    /// Logs that sessions cannot be inspected. Writes only one such message until a probe succeeds.
    void log_inspection_failure(const Error& why);

    Dependencies dependencies_;
    output::DenialJournal denials_;
    MultiplexerPreserver preserver_;
    Timer deadline_;
    BootTime armed_ = never;         ///< time for which deadline_ is armed; never: it is not armed
    bool inspection_failed_ = false; ///< true if a failed inspection was logged and no probe has succeeded since
};

} // namespace sesslimit
