// SPDX-License-Identifier: MIT
#pragma once

namespace sesslimit::fleet {

/// Returns true if systemd is shutting the system down. Blocks for up to a second, and returns false if systemd does
/// not answer.
bool is_system_stopping();

} // namespace sesslimit::fleet
