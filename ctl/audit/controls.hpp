// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sesslimit::audit {

/// The supported compliance profiles.
enum class Profile : std::uint8_t { stig, pci, cis };

/// Returns "stig", "pci" or "cis".
std::string_view name_of(Profile profile);
inline constexpr Profile profiles[] = {Profile::stig, Profile::pci, Profile::cis};

/// The kinds of settings that controls require. A control is one requirement of a compliance profile.
enum class Check : std::uint8_t {
    // In each line, N is the value of a control (Control::value).
    sessions,      ///< Requires "* hard maxlogins" with N or less in limits.conf.
    idle_session,  ///< Requires exactly N seconds for StopIdleSessionSec= in the configuration of logind.
    idle_main,     ///< Requires exactly N seconds for StopIdleSessionSec= in /etc/systemd/logind.conf itself.
    shell_timeout, ///< Requires TMOUT of N seconds or less in a start-up file of the shell.
    shell_fixed,   ///< Requires TMOUT of N seconds or less in a start-up file of the shell, readonly and exported.
    idle_any,      ///< Requires any mechanism that locks or ends a session after at most N seconds without activity.
    peer_interval, ///< Requires ClientAliveInterval of sshd above 0 and at most N seconds.
    peer_count,    ///< Requires ClientAliveCountMax of sshd above 0 and at most N.
    any_peer_interval, ///< Requires ClientAliveInterval of sshd above 0; the audit proposes N.
    any_peer_count,    ///< Requires ClientAliveCountMax of sshd above 0; the audit proposes N.
    ssh_sessions,      ///< Requires MaxSessions of sshd of at most N.
};

/// One requirement of a profile.
struct Control {
    Profile profile;
    std::string_view os; ///< Operating system that the control is for, an ID of os-release(5); empty for every system.
    std::string_view version; ///< Version of this system, VERSION_ID of os-release(5) or its part before the dot.
    std::string_view id;
    Check check;
    unsigned value; ///< Required value of the limit, a number of sessions or a time in seconds.
};

/// Returns the supported requirements of all compliance profiles, in the order of display.
std::span<const Control> all_controls();

/// Returns a description of the requirement of a control, such as "at most 10 sessions per user".
std::string asked_for(const Control& control);

/// Returns true if the control applies to the operating system with this ID and version of os-release(5). The STIG
/// controls that are for every system apply only to systems for which no other STIG control exists.
bool applies(const Control& control, std::string_view os, std::string_view version);

} // namespace sesslimit::audit
