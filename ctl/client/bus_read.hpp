// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/bus.hpp"
#include "ctl/client/daemon_client.hpp"

#include <optional>
#include <string>
#include <vector>

/// Messages of org.sesslimit1(5) as values. This is the one place where texts from the bus come in: each is escaped
/// here (ctl/client/escaped_client.hpp). A property that is not there, or has another type than it should, leaves its default; nothing
/// where the message as a whole has another shape.
namespace sesslimit::ctl {

std::optional<std::vector<Session>> read_sessions(sd_bus_message* message);
std::optional<Session> read_session(sd_bus_message* message);
std::optional<std::uint32_t> read_count(sd_bus_message* message);
std::optional<Explanation> read_explanation(sd_bus_message* message);
std::optional<Status> read_status(sd_bus_message* message);

/// A signal of the manager; nothing where it is none that is known. `at` is left to the caller.
std::optional<Event> read_event(sd_bus_message* message);

} // namespace sesslimit::ctl
