// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"

namespace sesslimit::audit {

/// Returns warnings about session stacks with a misplaced module. The module comes after pam_systemd, does not end the
/// stack when it denies a login, or its denial is ignored. Stacks with the same lines share one warning.
std::vector<Warning> warnings_about_placement(const std::vector<PamStack>& stacks);

} // namespace sesslimit::audit
