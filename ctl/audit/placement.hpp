// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"

namespace sesslimit::audit {

/// Session stacks in which our module comes after pam_systemd, does not end the stack when it denies a login, or is
/// ignored when it does. Stacks with the same lines are one warning.
std::vector<Warning> warnings_about_placement(const std::vector<PamStack>& stacks);

} // namespace sesslimit::audit
