// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"

namespace sesslimit::audit {

/// Native settings that undo the policy, or do not do what they seem to; what keeps sesslimit from acting; what could
/// not be read.
std::vector<Warning> warnings_about(const Native& native, const std::optional<policy::Policy>& policy);

/// The same of a native setting that is not there yet and that a finding asks for.
std::vector<Warning> warnings_about_remedies(const std::vector<Finding>& findings, const policy::Policy& policy);

} // namespace sesslimit::audit
