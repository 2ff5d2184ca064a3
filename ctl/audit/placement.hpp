// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"

namespace sesslimit::audit {

/// Returns warnings about session stacks in which pam_sesslimit.so is misplaced. The module is misplaced if it comes
/// after pam_systemd.so, if its denial does not prevent pam_systemd.so from running, or if PAM ignores its denial. If
/// the same configuration lines misplace the module for several PAM services, one warning names all of these services.
std::vector<Warning> warnings_about_placement(const std::vector<PamStack>& stacks);

} // namespace sesslimit::audit
