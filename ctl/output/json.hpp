// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/enforcement.hpp"
#include "daemon/policy/load.hpp"

#include <string>
#include <vector>

/// What `--json` prints; docs/schema holds the schemas. Times are microseconds since the epoch, spans are microseconds;
/// what is unlimited, never or not known is null. Each text ends in a newline. `json` is not Json::off.
namespace sesslimit::ctl {

std::string json_of(const std::vector<Session>& sessions, Json json);
std::string json_of(const ExplainQuery& question, const Explanation& explanation, Json json);
std::string json_of(const Status& status, const Enforcement& enforcement, Usec now, Json json);
std::string json_of(const std::vector<policy::Problem>& problems, Json json);
std::string json_of(const Event& event, Json json);

} // namespace sesslimit::ctl
