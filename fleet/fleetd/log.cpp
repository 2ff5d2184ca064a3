// SPDX-License-Identifier: MIT
#include "fleet/fleetd/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

namespace sesslimit::fleet {
namespace {

/// Returns true if systemd has connected standard error to the journal, see systemd.exec(5).
bool writes_to_journal() {
    static const bool answer = std::getenv("JOURNAL_STREAM") != nullptr;
    return answer;
}

} // namespace

void prepare_log() {
    const int flags = fcntl(STDERR_FILENO, F_GETFL);
    if (writes_to_journal() && flags >= 0) {
        fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
    }
}

void log(int priority, const std::string& text) {
    // journald reads the priority from the start of the line, see sd-daemon(3).
    const std::string line =
        (writes_to_journal() ? "<" + std::to_string(priority) + ">" : "sesslimit-fleetd: ") + text + "\n";
    (void)!write(STDERR_FILENO, line.data(), line.size());
}

} // namespace sesslimit::fleet
