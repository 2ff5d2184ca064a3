// SPDX-License-Identifier: MIT
#pragma once

namespace sesslimit {

/// Part of the line that the PAM module logs for a login that it admitted without a decision of the daemon. The line is
/// "USER admitted uncounted: REASON". sesslimitctl recognizes these lines in the journal (ctl/client/enforcement.hpp).
inline constexpr char admitted_uncounted[] = "admitted uncounted";

} // namespace sesslimit
