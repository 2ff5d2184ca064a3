// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/enforcement.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The output of the commands of sesslimitctl for human readers. Each text ends in a newline.
namespace sesslimit::ctl {

/// The contents of the policy files, compared with those from which the policy in effect was loaded.
enum class PolicyFiles : std::uint8_t { same, changed, unknown };

/// Sorts sessions by ID for display. Numeric IDs come first in numeric order, followed by all other IDs.
void sort_by_id(std::vector<Session>& sessions);

std::string list_text(const std::vector<Session>& sessions, const Style& style, Usec now);

/// Returns all properties of a session as lines of the form `Key: value`, with the names of org.sesslimit1(5). Adds
/// lines about the units that continue to run after the session has ended.
std::string show_text(const Session& session, Usec now);

/// Returns a table of settings with their values and locations.
std::string settings_text(const std::vector<EffectiveSetting>& settings, const Style& style);
std::string explain_text(const ExplainQuery& question, const Explanation& explanation, const Style& style);
/// `files` states whether the policy files are those of the policy in effect.
std::string status_text(const Status& status, PolicyFiles files, const Enforcement& enforcement, Usec now);

/// Returns a warning for `audit`, with instructions, if the daemon does not record sessions in its ledger.
std::optional<std::string> recording_warning(const Status& status);

/// Returns one line of `watch`.
std::string event_text(const Event& event, const Style& style);

} // namespace sesslimit::ctl
