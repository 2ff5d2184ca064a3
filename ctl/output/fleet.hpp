// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/fleet_client.hpp"

#include <functional>
#include <optional>
#include <string>

/// The output of `sesslimitctl fleet`. Each text ends in a newline.
namespace sesslimit::ctl {

/// Returns the name of the user with an ID, if it is known.
using NameOf = std::function<std::optional<std::string>(std::uint32_t)>;

/// Returns the user of a session for display: the name, or "uid:1001" if the name is not known on this host.
std::string user_words(const FleetSession& session, const NameOf& name_of);

std::string fleet_list_text(const FleetReply& reply, const Style& style, const NameOf& name_of, Usec now);
std::string fleet_hosts_text(const FleetReply& reply, const Style& style);
std::string fleet_status_text(const FleetReply& reply, const Style& style);
/// `of` describes the sessions, such as "of alice".
std::string fleet_ended_text(const FleetReply& reply, const std::string& of);
/// Returns the text about the hosts that have not answered, without a newline, or an empty text if there are none.
std::string fleet_missing_text(const FleetReply& reply);
std::string fleet_freed_text(const FleetReply& reply, const std::string& host, const NameOf& name_of);

/// JSON, see docs/schema. `json` must not be Json::off.
std::string fleet_list_json(const FleetReply& reply, const NameOf& name_of, Json json);
std::string fleet_hosts_json(const FleetReply& reply, Json json);
std::string fleet_status_json(const FleetReply& reply, Json json);
std::string fleet_ended_json(const FleetReply& reply, Json json);

} // namespace sesslimit::ctl
