// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sesslimit::audit {

/// Reads the settings of sshd from /etc/ssh/sshd_config and its included files into `native`. Follows includes 16 files
/// deep, as sshd does. Reads at most 256 files. The first value of a keyword applies. Settings after a Match apply to
/// some connections only and are ignored (sshd_config(5)).
void read_sshd(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native);

} // namespace sesslimit::audit
