// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string_view>

/// Functions that classify a login by its PAM items. The PAM module and the daemon use the same ones.
namespace sesslimit {

/// Time for which the PAM module waits after it has shown the reason of the denial of a local login. The user can read
/// the reason in this time: login(1) of Debian 12 exits immediately after the module returns, and agetty then clears
/// the screen. Display managers and consoles with automatic login start the next login immediately, so that without the
/// wait their systemd unit would exceed its start limit (DefaultStartLimitBurst= in systemd-system.conf(5): 5 starts in
/// 10 s).
inline constexpr std::chrono::seconds local_denial_delay{5};

/// Returns the name of a terminal without "/dev/", which not all programs remove from PAM_TTY.
constexpr std::string_view terminal_name(std::string_view tty) noexcept {
    constexpr std::string_view directory = "/dev/";
    return tty.starts_with(directory) ? tty.substr(directory.size()) : tty;
}

/// Returns true if a program on a console or display of this host requests the login, such as login(1) after agetty.
/// `tty` is PAM_TTY and `rhost` is PAM_RHOST. Displays have names such as ":0".
constexpr bool is_local_login(std::string_view tty, std::string_view rhost) noexcept {
    const std::string_view name = terminal_name(tty);
    return rhost.empty() &&
           (name == "console" || name.starts_with("tty") || name.starts_with("hvc") || name.starts_with(':'));
}

} // namespace sesslimit
