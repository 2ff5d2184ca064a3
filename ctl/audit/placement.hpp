// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"

namespace sesslimit::audit {

/// Returns warnings about session stacks with a misplaced module. The module is misplaced if it comes after
/// pam_systemd, if its denial does not end the stack, or if its denial is ignored. Stacks with the same lines share one
/// warning.
std::vector<Warning> warnings_about_placement(const std::vector<PamStack>& stacks);

} // namespace sesslimit::audit
