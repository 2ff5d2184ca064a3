// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/enforcement.hpp"
#include "ctl/output/report.hpp"
#include "daemon/policy/load.hpp"

#include <string>
#include <vector>

/// The output of the option `--json`. docs/schema contains the schemas. Times are in microseconds since the epoch, and
/// time spans are in microseconds. Unlimited, infinite and unknown values are null. Each text ends in a newline. The
/// argument `json` must not be Json::off.
namespace sesslimit::ctl {

std::string json_of(const std::vector<Session>& sessions, Json json);
std::string json_of(const ExplainQuery& question, const Explanation& explanation, Json json);
std::string json_of(const Status& status, PolicyFiles files, const Enforcement& enforcement, Usec now, Json json);
std::string json_of(const std::vector<policy::Problem>& problems, Json json);
std::string json_of(const Event& event, Json json);

} // namespace sesslimit::ctl
