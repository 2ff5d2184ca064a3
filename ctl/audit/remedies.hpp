// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"

#include <vector>

namespace sesslimit::audit {

/// Proposes changes of configuration files for all findings that need them (Finding::needs_remedy()), and stores them
/// in Finding::remedies. The changes of all findings are consistent: for each kind of setting they use the strictest
/// value of all controls, so that they can be applied together. Returns warnings about kinds of settings for which no
/// value satisfies all controls.
std::vector<Warning> propose_remedies(const Native& native, std::vector<Finding>& findings);

} // namespace sesslimit::audit
