// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sesslimit::fleet {

/// Prevents writing to the journal from blocking. Texts are lost while journald does not read.
void prepare_log();

/// Writes one line to standard error with a priority of syslog(3), such as LOG_WARNING. systemd passes it to the
/// journal. The text must have been escaped for display.
void log(int priority, const std::string& text);

} // namespace sesslimit::fleet
