// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

/// PAM service files, parsed as libpam does (pam.conf(5) and _pam_parse_conf_file() in libpam/pam_handlers.c).
namespace sesslimit::audit {

/// Reads PAM's part of `native`. It consists of the lines that name the module, and of the session stack of each
/// service. Follows `include`, `substack` and Debian's `@include`, at most 16 files deep and 256 files per service.
void read_pam(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native);

/// The effect of PAM_PERM_DENIED from a module, which depends on the control value of the module.
enum class Denial : std::uint8_t {
    ends,    ///< "die": the stack fails and stops
    fails,   ///< "bad": the stack fails, but the modules after it still run
    ignored, ///< any other: the stack continues and may succeed
};
Denial denial_by(std::string_view control);

} // namespace sesslimit::audit
