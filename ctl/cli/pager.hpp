// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace sesslimit::ctl {

/// Shows the text in a pager and waits until the pager exits. The pager is $PAGER, or less if $PAGER is unset or the
/// caller used sudo. Returns false, without writing anything, if no pager can be started ($PAGER is empty or "cat", or
/// less is not installed). The process ignores SIGPIPE afterwards.
bool through_pager(std::string_view text);

} // namespace sesslimit::ctl
