// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sesslimit {

/// Text from outside, made safe to show on a terminal, in a log line or in a message: printable ASCII and well-formed
/// UTF-8 letters stay; control bytes (C0, DEL, C1), malformed UTF-8, bidirectional and other invisible format
/// characters and the backslash become \xHH, byte for byte. At most `limit` bytes come out; what is cut is shown by a
/// closing "...". One line in, one line out.
std::string escape_for_display(std::string_view text, std::size_t limit = 256);

/// Where a text is no longer well-formed UTF-8 (RFC 3629): its first such byte; npos where all of it is.
std::size_t malformed_at(std::string_view text) noexcept;

} // namespace sesslimit
