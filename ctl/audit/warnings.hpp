// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"

#include <optional>
#include <vector>

namespace sesslimit::audit {

/// Returns warnings about settings of other tools that override the policy of sesslimit or have an unexpected effect.
/// Also returns warnings if sesslimit does not enforce its policy, and if files could not be read.
std::vector<Warning> warnings_about(const Native& native, const std::optional<policy::Policy>& policy);

/// Returns warnings about findings of the audit: changes that would override settings of the policy, controls for which
/// scanners ignore the policy, and sessions that a control of the number of sessions does not include.
std::vector<Warning> warnings_about_findings(const std::vector<Finding>& findings, const Native& native,
                                             const std::optional<policy::Policy>& policy);

} // namespace sesslimit::audit
