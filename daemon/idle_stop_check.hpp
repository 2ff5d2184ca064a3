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
/// of logind.conf(5)). logind reports this only in a message of its log. The result is therefore concluded:
///
/// - logind stops sessions that are idle.
/// - The terminal of the session has had no input for as long as logind requires.
/// - PAM closes the session, or its leader exits without a logout, as login(1) does on SIGHUP. logind had begun to stop
///   the session before. After a logout, logind closes the session later, because pam_sesslimit comes before
///   pam_systemd in the PAM stack. logind stores that it stops the session only after systemd has begun to signal the
///   processes, so that a terminal without input for the whole StopIdleSessionSec is sufficient too.
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
    Dependencies dependencies_;
};

} // namespace sesslimit
