// SPDX-License-Identifier: MIT
#pragma once

#include "common/process.hpp"
#include "common/result.hpp"

namespace sesslimit::serve {

/// Who is at the other end of a connected AF_UNIX socket: said by the kernel, never by the frame. Fails where that
/// process has exited already, or is not root.
Result<Leader> peer_of(int socket);

} // namespace sesslimit::serve
