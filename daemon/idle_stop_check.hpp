// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/event.hpp"
#include "daemon/inspect/stopping_session.hpp"
#include "daemon/logind/idle_stop.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace sesslimit {

/// Check whether logind has stopped a session whose end is reported, because the session was idle (StopIdleSessionSec
/// of logind.conf(5)). logind reports this only in a message of its log. The result is therefore concluded when PAM
/// closes the session, or its leader exits without a logout, as login(1) does on SIGHUP. One of these is sufficient:
///
/// - The terminal of the session has had no input for the whole StopIdleSessionSec. logind stops it at that time, but
///   may store that only after systemd has begun to signal the processes.
/// - logind has stored that it is stopping the session, and regards its terminal as idle (logind::idle_threshold()).
///   After a logout, logind stores this later, because pam_sesslimit comes before pam_systemd in the PAM stack.
///
/// A request to terminate the session (loginctl terminate-session) within the last moments of that time has the same
/// result.
class IdleStopCheck final : public core::EventSink {
  public:
    struct Dependencies {
        /// Receiver to which the events are forwarded.
        core::EventSink& events;
        /// Returns the settings of logind.
        std::function<logind::IdleStop()> settings;
        /// Returns the session whose end an event reports, or null if it is not known.
        std::function<const core::Session*(const core::CloseRequested&)> closed;
        std::function<const core::Session*(const core::LeaderExited&)> exited;
        /// Returns the state of a logind session, or nothing if logind does not know a terminal of the session.
        std::function<std::optional<inspect::LogindIdle>(const std::string& logind_id)> state;
    };

    /// Lifetime: the receiver in `dependencies` must outlive the IdleStopCheck.
    explicit IdleStopCheck(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Forwards the event immediately. If the event is CloseRequested or LeaderExited, sets its field idle_stop before.
    void handle(core::Event event) override;

  private:
    /// Returns StopIdleSessionSec if logind has probably stopped the session.
    [[nodiscard]] std::optional<Duration> stop_of(const core::Session* session) const;

    Dependencies dependencies_;
};

} // namespace sesslimit
