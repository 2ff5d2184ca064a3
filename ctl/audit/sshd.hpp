// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sesslimit::audit {

/// Reads the settings of sshd into `native` (host_config::for_each_sshd_setting()).
void read_sshd(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native);

} // namespace sesslimit::audit
