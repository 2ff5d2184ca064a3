// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

/// PAM's service files, as libpam reads them (pam.conf(5) and _pam_parse_conf_file() in libpam/pam_handlers.c).
namespace sesslimit::audit {

/// PAM's part of `native`: the lines that name our module, and the session stack of each service. Follows `include`,
/// `substack` and Debian's `@include`, 16 files deep and 256 files for a service at most.
void read_pam(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native);

/// The effect of a module's PAM_PERM_DENIED by its control.
enum class Denial : std::uint8_t {
    ends,    ///< "die": the stack fails and ends
    fails,   ///< "bad": the stack fails, and the modules after it are run all the same
    ignored, ///< anything else: the stack goes on, and may succeed
};
Denial denial_by(std::string_view control);

} // namespace sesslimit::audit
