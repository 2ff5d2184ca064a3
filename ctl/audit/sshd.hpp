// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sesslimit::audit {

/// Reads sshd's part of `native` from /etc/ssh/sshd_config and the files that it includes, 16 files deep as in sshd
/// itself, at most 256 files. The first value of a keyword applies. Settings after a Match apply to some connections
/// only (sshd_config(5)).
void read_sshd(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native);

} // namespace sesslimit::audit
