// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/bus.hpp"
#include "ctl/client/daemon_client.hpp"

#include <optional>
#include <string>
#include <vector>

/// Decoders for the D-Bus messages of org.sesslimit1(5). The functions limit the length of texts from the bus, but
/// do not escape them. They must be passed through safe() (ctl/client/escaped_client.hpp) for display. A property that
/// is missing or has an unexpected type keeps its default value. The functions return nullopt if the message as a whole
/// has an unexpected form.
namespace sesslimit::ctl {

std::optional<std::vector<Session>> read_sessions(sd_bus_message* message);
std::optional<Session> read_session(sd_bus_message* message);
/// Reads the IDs of sessions.
std::optional<std::vector<std::string>> read_ids(sd_bus_message* message);
std::optional<Explanation> read_explanation(sd_bus_message* message);
std::optional<PolicyPreview> read_preview(sd_bus_message* message);
std::optional<Status> read_status(sd_bus_message* message);

/// Decodes a signal of the daemon, such as SessionDenied, to an event. Returns nullopt for an unknown signal. The
/// caller must set the time `at` of the event.
std::optional<Event> read_event(sd_bus_message* message);

} // namespace sesslimit::ctl
