// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"

namespace sesslimit {

/// Creates a listening SOCK_SEQPACKET socket with mode 0600 at `path`, and replaces an existing file at this path. Used
/// by tests, and on hosts without socket activation.
Result<UniqueFd> listen_at(const char* path);

} // namespace sesslimit
