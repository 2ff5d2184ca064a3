// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace sesslimit::ctl {

/// Shows the text in $PAGER, or in less if $PAGER is unset or the caller used sudo, and waits until the pager exits.
/// Returns false if no pager can be started ($PAGER empty or "cat", less not installed). In that case nothing was
/// written. The process ignores SIGPIPE afterwards.
bool through_pager(std::string_view text);

} // namespace sesslimit::ctl
