// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"

namespace sesslimit::audit {

/// Returns warnings about native settings that defeat the policy or have an unexpected effect. Also returns warnings
/// about obstacles to sesslimit, and about files that could not be read.
std::vector<Warning> warnings_about(const Native& native, const std::optional<policy::Policy>& policy);

/// Returns warnings of the same kinds about the native settings that findings propose.
std::vector<Warning> warnings_about_remedies(const std::vector<Finding>& findings, const policy::Policy& policy);

} // namespace sesslimit::audit
