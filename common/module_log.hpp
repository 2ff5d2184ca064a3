// SPDX-License-Identifier: MIT
#pragma once

namespace sesslimit {

/// What the module's log line says of a login that it admitted although the daemon did not decide:
/// "USER admitted uncounted: REASON". sesslimitctl recognises these lines in the journal (ctl/client/enforcement.hpp).
inline constexpr char let_in_uncounted[] = "admitted uncounted";

} // namespace sesslimit
