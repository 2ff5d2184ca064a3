// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sesslimit::audit {

/// Reads sshd's part of `native` from /etc/ssh/sshd_config and its included files. Follows includes 16 files deep, as
/// sshd does. Reads at most 256 files. The first value of a keyword applies. Settings after a Match apply to some
/// connections only (sshd_config(5)).
void read_sshd(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native);

} // namespace sesslimit::audit
