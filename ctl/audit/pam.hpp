// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

/// A parser for PAM service files that follows the rules of libpam (pam.conf(5) and _pam_parse_conf_file() in
/// libpam/pam_handlers.c).
namespace sesslimit::audit {

/// Reads into `native` the session stacks of all PAM services and the lines that name pam_sesslimit.so. Follows
/// `include`, `substack` and Debian's `@include`, at most 16 files deep and 256 files per service.
void read_pam(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native);

/// The effect on a PAM stack if a module returns PAM_PERM_DENIED. The effect depends on the control value of the
/// module.
enum class Denial : std::uint8_t {
    ends,    ///< Failure of the PAM stack, which stops immediately (action "die").
    fails,   ///< Failure of the PAM stack after the remaining modules have run (action "bad").
    ignored, ///< No effect, so that the PAM stack may succeed (any other action).
};
Denial denial_by(std::string_view control);

} // namespace sesslimit::audit
