// SPDX-License-Identifier: MIT
#pragma once

namespace sesslimit {

/// Text in the module's log line for a login that the module admitted without a decision of the daemon. The line is
/// "USER admitted uncounted: REASON". sesslimitctl recognizes these lines in the journal (ctl/client/enforcement.hpp).
inline constexpr char admitted_uncounted[] = "admitted uncounted";

} // namespace sesslimit
