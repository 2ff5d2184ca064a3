// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/service.hpp"
#include "daemon/daemon_backend.hpp"
#include "daemon/engine.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/inspect/tcp_activity.hpp"
#include "daemon/inspect/terminals.hpp"
#include "daemon/logind/logind.hpp"
#include "daemon/monitor/input_monitor.hpp"
#include "daemon/monitor/leader_monitor.hpp"
#include "daemon/output/denial_journal.hpp"
#include "daemon/output/journal.hpp"
#include "daemon/pam_server/server.hpp"
#include "daemon/systemd/multiplexer_preserver.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit {

/// The real hands of the engine: this host's processes, terminals, logind, journal, and the logins that wait.
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
        api::Service& api;
        DaemonBackend& backend;
        std::function<void()> due;                ///< called when the armed deadline has come
        std::function<void(core::Event)> noticed; ///< something that is found out while carrying out
    };

    /// Before anything else is called. References live longer than the host.
    void attach(Dependencies dependencies);

    /// The daemon stops: what is yet to be said is said now.
    void finish();

    void answer(const core::Answer& answer, const core::State& state) override;
    void notify(const core::Notice& notice) override;
    void terminate(const core::Terminate& what) override;
    void lock_screen(const std::string& logind_id) override;
    void kill_all(const std::string& logind_id) override;
    void signal_leader(SessionKey key, int signal) override;
    std::optional<core::ActivityProbed> probe_activity(const core::Session& session) override;
    void check_logout(const core::CheckLogout& what) override;
    void track(const core::Session& session) override;
    void untrack(SessionKey key) override;
    void arm(BootTime deadline) override;

  private:
    static int on_due(sd_event_source* source, std::uint64_t at, void* self);
    [[nodiscard]] std::string denial(const core::Answer& answer, const core::State& state) const;

    void log_notice(const core::Notice& notice);

    /// Its terminals, to write on or to listen to; nothing where nobody can tell which they are, which is said.
    [[nodiscard]] std::optional<std::vector<inspect::Terminal>> terminals_of(const core::Session& session);

    /// Says it once, until a look succeeds.
    void log_inspection_failure(const Error& why);

    std::optional<Dependencies> dependencies_;
    std::optional<output::DenialJournal> denials_;
    std::optional<MultiplexerPreserver> preserver_;
    EventSource timer_;
    BootTime armed_ = never;
    bool inspection_failed_ =
        false; ///< the last look at a session was none, for want of descriptors or memory, and it was said
};

} // namespace sesslimit
