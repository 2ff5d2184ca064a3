// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/load.hpp"

#include <nlohmann/json.hpp>

namespace sesslimit::ctl {

/// Returns a problem of the policy as a JSON object, as in the output of `check`.
nlohmann::ordered_json problem_value(const policy::Problem& problem);

} // namespace sesslimit::ctl
