// SPDX-License-Identifier: MIT
#include "daemon/inspect/stopping_session.hpp"

#include <sys/stat.h>
#include <systemd/sd-login.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace sesslimit::inspect {
namespace {

/// Returns a text that logind stores about a session, or an empty text if there is none.
std::string stored(const std::string& logind_id, int (*read)(const char*, char**)) {
    char* found = nullptr;
    if (read(logind_id.c_str(), &found) < 0) {
        return {};
    }
    const std::unique_ptr<char, decltype(&std::free)> owned(found, &std::free);
    return found;
}

} // namespace

std::optional<LogindIdle> logind_idle_of(const std::string& logind_id) {
    const std::string tty = stored(logind_id, &sd_session_get_tty);
    constexpr std::string_view directory = "/dev/";
    const std::string path = tty.starts_with(directory) ? tty : std::string(directory) + tty;
    struct stat node{};
    if (tty.empty() || lstat(path.c_str(), &node) < 0 || !S_ISCHR(node.st_mode)) {
        return std::nullopt;
    }
    // The owner of the terminal can set its atime to any time (utimensat(2)).
    const Duration now = wall_now().time_since_epoch();
    const auto latest = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    const auto input = std::chrono::seconds(std::clamp<std::int64_t>(node.st_atim.tv_sec, 0, latest));
    return LogindIdle{.is_stopping = stored(logind_id, &sd_session_get_state) == "closing", .idle = now - input};
}

} // namespace sesslimit::inspect
