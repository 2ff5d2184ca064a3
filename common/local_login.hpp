// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string_view>

/// Functions that classify a login by its PAM items. The PAM module and the daemon use the same ones.
namespace sesslimit {

/// Time from the request of a local login to its denial. agetty and display managers start the next login immediately
/// after a denial, and their systemd unit would otherwise exceed its start limit (DefaultStartLimitBurst= in
/// systemd-system.conf(5): 5 starts in 10 s).
inline constexpr std::chrono::seconds local_denial_delay{3};

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
