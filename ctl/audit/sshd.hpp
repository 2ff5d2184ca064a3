// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/native.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sesslimit::audit {

/// sshd's part of `native`: /etc/ssh/sshd_config and what it includes, 16 files deep as with sshd itself, 256 of them
/// at most. Of a keyword the first value holds, and what stands behind a Match is for some connections only
/// (sshd_config(5)).
void read_sshd(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native);

} // namespace sesslimit::audit
