// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/notice/words.hpp"

#include <string>
#include <string_view>

namespace sesslimit::effects {

/// Priorities of syslog(3), as much of them as we use.
enum class Priority { error = 3, warning = 4, notice = 5, info = 6 };

/// One structured entry. Text in it is safe to show already. Where no journal listens, it goes to standard error.
void journal(const notice::JournalEntry& entry);

/// A plain entry of the daemon's own affairs, with a message id where it has one.
void journal(Priority priority, std::string_view message, std::string_view message_id = {},
             std::string_view event = {});

} // namespace sesslimit::effects
