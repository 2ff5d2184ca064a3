// SPDX-License-Identifier: MIT
#include "daemon/effects/journal.hpp"

#define SD_JOURNAL_SUPPRESS_LOCATION // where in our source it was said helps nobody
#include <systemd/sd-journal.h>

#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

namespace sesslimit::effects {

void journal(const notice::JournalEntry& entry) {
    std::vector<std::string> fields;
    fields.reserve(entry.size());
    for (const auto& [name, value] : entry) {
        fields.emplace_back(name).append("=").append(value);
    }
    std::vector<iovec> parts;
    parts.reserve(fields.size());
    for (std::string& field : fields) {
        parts.push_back({.iov_base = field.data(), .iov_len = field.size()});
    }
    // sd_journal_sendv(3) says success where there is no journal at all.
    const bool no_journal = access("/run/systemd/journal/socket", W_OK) != 0;
    if ((no_journal || sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) < 0) && !entry.empty()) {
        std::fprintf(stderr, "sesslimitd: %s\n", entry.front().second.c_str());
    }
}

void journal(Priority priority, std::string_view message, std::string_view message_id, std::string_view event) {
    notice::JournalEntry entry{{"MESSAGE", std::string(message)},
                               {"PRIORITY", std::to_string(static_cast<int>(priority))}};
    if (!message_id.empty()) {
        entry.emplace_back("MESSAGE_ID", std::string(message_id));
    }
    if (!event.empty()) {
        entry.emplace_back("SESSLIMIT_EVENT", std::string(event));
    }
    journal(entry);
}

} // namespace sesslimit::effects
