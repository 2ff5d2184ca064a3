// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/event.hpp"
#include "daemon/logind/idle_stop.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace sesslimit {

/// Check whether logind has stopped a session that is closed, because the session was idle (StopIdleSessionSec of
/// logind.conf(5)). logind reports this only in a message of its log. The result is therefore concluded from three
/// facts, which are probable together only after such a stop:
///
/// - logind stops sessions that are idle.
/// - logind had begun to stop the session before PAM closed it. After a logout, logind closes the session later,
///   because pam_sesslimit comes before pam_systemd in the PAM stack.
/// - The terminal of the session has had no input for as long as logind requires.
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
        /// Returns the session that the event closes, or null if it is not known.
        std::function<const core::Session*(const core::CloseRequested&)> find;
        /// Returns the time without input on the terminal of a logind session that logind is stopping, otherwise
        /// nothing.
        std::function<std::optional<Duration>(const std::string& logind_id)> idle_if_stopping;
    };

    /// Lifetime: the receiver in `dependencies` must outlive the IdleStopCheck.
    explicit IdleStopCheck(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Forwards the event immediately. If the event is CloseRequested, sets its field idle_stop before.
    void handle(core::Event event) override;

  private:
    [[nodiscard]] std::optional<Duration> idle_stop_of(const core::CloseRequested& closed) const;

    Dependencies dependencies_;
};

} // namespace sesslimit
