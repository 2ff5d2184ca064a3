// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/service.hpp"
#include "daemon/engine.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/fleet_link/fleet_link.hpp"
#include "daemon/inspect/session_snapshots.hpp"
#include "daemon/inspect/tcp_activity.hpp"
#include "daemon/inspect/terminals.hpp"
#include "daemon/logind/logind.hpp"
#include "daemon/missed_notices.hpp"
#include "daemon/monitor/input_monitor.hpp"
#include "daemon/monitor/leader_monitor.hpp"
#include "daemon/monitor/scope_monitor.hpp"
#include "daemon/monitor/socket_list_reader.hpp"
#include "daemon/output/denial_journal.hpp"
#include "daemon/output/journal.hpp"
#include "daemon/pam_server/server.hpp"
#include "daemon/systemd/program_preserver.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sesslimit {

/// Implementation of EffectHandler for the running daemon. It inspects and signals processes, writes to terminals and
/// to the journal, calls logind, and answers login requests.
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
        FleetLink& fleet;
        Worker& worker;
        /// Path of the file for reasons that could not be shown (MissedNotices).
        std::filesystem::path missed_file;
        /// Receiver of the events by which the effect handler reports results, such as the result of an activity probe.
        core::EventSink& events;
    };

    /// Lifetime: the objects that `dependencies` references must outlive the SystemEffectHandler.
    explicit SystemEffectHandler(Dependencies dependencies);
    SystemEffectHandler(const SystemEffectHandler&) = delete;
    SystemEffectHandler& operator=(const SystemEffectHandler&) = delete;
    ~SystemEffectHandler() override = default;

    /// Reads the reasons that an earlier daemon process could not show.
    void load() { missed_.load(); }

    /// Writes one journal entry for each group of repeated denials that were counted but not logged individually.
    /// Called when the daemon stops.
    void finish();

    void answer(const core::Answer& answer, const core::State& state) override;
    void notify(const core::Notice& notice) override;
    void terminate(const core::Session& session) override;
    void preserve_and_terminate(const core::Session& session, const std::vector<std::string>& keep) override;
    void offer_missed_reason(const core::Session& session) override;
    void lock_screen(const std::string& logind_id) override;
    void kill_scope(const std::string& scope, int signal) override;
    void kill_all(const std::string& logind_id) override;
    void signal_leader(const core::SignalLeader& what) override;
    std::optional<core::ActivityProbed> probe_activity(const core::Session& session) override;
    void sample_traffic(const core::Session& session) override;
    Duration unacknowledged(const core::Session& session) override;
    void report_denial(const core::ReportDenial& what) override;
    void report_missing_logind(const core::Session& session) override;
    void check_logout(const core::CheckLogout& what) override;
    void claim_fleet_slot(const core::Session& session, bool enforced) override;
    void list_in_fleet(const core::Session& session) override;
    void release_fleet_slot(SessionKey key) override;
    void report_fleet_termination(const core::ReportFleetTermination& what) override;
    void track(const core::Session& session) override;
    void untrack(SessionKey key) override;
    void arm(BootTime deadline) override;

  private:
    /// Returns the text for the user of a denied login.
    [[nodiscard]] std::string denial(const core::Answer& answer, const core::State& state);

    void log_notice(const core::Notice& notice);

    using Terminals = std::vector<inspect::Terminal>;

    /// Writes a text to the terminals of a session. Returns false if none of them could be written to.
    bool write_to_terminals(const core::Session& session, const std::string& text);
    bool write(const std::string& text, const Terminals& terminals);

    using Sockets = std::optional<monitor::GroupSockets>;

    /// Reads the TCP sockets of the session's control group and passes them to `receive`, in a later turn of the event
    /// loop if the session has a control group. Returns false after a failure.
    bool read_sockets(const core::Session& session, std::function<void(const Sockets&)> receive);

    /// Returns the result of an activity probe of a session that is not graphical. `sockets` are the TCP sockets of its
    /// control group; absent: it has none.
    core::ActivityProbed probe_now(const core::Session& session, const Sockets& sockets);

    /// Returns a sample of the sockets and of the ssh connection. Returns nothing if the sockets could not be read
    /// completely, because a sample without some of them would wrongly show an idle session.
    std::optional<core::TrafficSample> sample_now(const std::string& ssh_connection, const Sockets& sockets,
                                                  BootTime now);

    /// Returns the terminals of the session. If they cannot be determined, reports this to log_inspection_failure() and
    /// returns nullopt.
    [[nodiscard]] std::optional<Terminals> terminals_of(const core::Session& session);

    /// Logs that the daemon failed to inspect a session. Further failures are not logged until an activity probe
    /// succeeds.
    void log_inspection_failure(const Error& why);

    void log_tracking_failure(const Error& why);

    Dependencies dependencies_;
    output::DenialJournal denials_;
    ProgramPreserver preserver_;
    monitor::ScopeMonitor kept_scopes_;
    MissedNotices missed_;
    monitor::SocketListReader sockets_;
    Timer deadline_;
    /// Time at which the timer `deadline_` expires, or `never` if the timer is not armed. No later than the next
    /// deadline.
    BootTime armed_ = never;
    /// PAM services for which the daemon logged that logind has no session of a login, at most max_reported_services.
    std::set<std::string> reported_services_;
    /// True if a failure to inspect a session was logged, and no activity probe has succeeded since.
    bool inspection_failed_ = false;
};

} // namespace sesslimit
