// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"

namespace sesslimit::audit {

/// Returns warnings about settings of other tools that override the policy of sesslimit or have an unexpected effect.
/// Also returns warnings if sesslimit does not enforce its policy, and if files could not be read.
std::vector<Warning> warnings_about(const Native& native, const std::optional<policy::Policy>& policy);

/// Returns warnings about file changes that the audit proposes, if these changes would override settings of the policy.
std::vector<Warning> warnings_about_remedies(const std::vector<Finding>& findings, const policy::Policy& policy);

/// Returns a warning if sesslimit enforces a control of the number of sessions, but does not count sessions whose
/// processes still run after the logout.
std::vector<Warning> warnings_about_left_behind(const std::vector<Finding>& findings, const policy::Policy& policy);

} // namespace sesslimit::audit
