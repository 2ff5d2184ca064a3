// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace sesslimit::ctl {

/// Shows the text in $PAGER, else in less, and waits until its reader has left. False where there is no pager to
/// start ($PAGER empty or "cat", less not installed): then nothing was written. From then on the process ignores
/// SIGPIPE.
bool through_pager(std::string_view text);

} // namespace sesslimit::ctl
