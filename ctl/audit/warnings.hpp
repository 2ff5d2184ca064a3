// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"

namespace sesslimit::audit {

/// Returns warnings about native settings that defeat the policy or do not work as they seem to, about obstacles to
/// sesslimit, and about files that could not be read.
std::vector<Warning> warnings_about(const Native& native, const std::optional<policy::Policy>& policy);

/// Returns the same warnings about native settings that findings propose.
std::vector<Warning> warnings_about_remedies(const std::vector<Finding>& findings, const policy::Policy& policy);

} // namespace sesslimit::audit
