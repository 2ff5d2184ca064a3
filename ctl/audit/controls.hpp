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
    // N is the value that the control requires.
    sessions,          ///< limits.conf has "* hard maxlogins" of N or less.
    idle_session,      ///< logind has StopIdleSessionSec= of exactly N seconds.
    idle_main,         ///< /etc/systemd/logind.conf itself has StopIdleSessionSec= of exactly N seconds.
    shell_timeout,     ///< A start-up file of the shell sets TMOUT to N seconds or less.
    shell_fixed,       ///< A start-up file of the shell sets TMOUT to N seconds or less, readonly and exported.
    idle_any,          ///< Any mechanism requires reauthentication after N seconds without activity, or earlier.
    peer_interval,     ///< sshd has ClientAliveInterval above 0 and N seconds or less.
    peer_count,        ///< sshd has ClientAliveCountMax above 0 and N or less.
    any_peer_interval, ///< sshd has ClientAliveInterval above 0; the proposed change sets N.
    any_peer_count,    ///< sshd has ClientAliveCountMax above 0; the proposed change sets N.
    ssh_sessions,      ///< sshd has MaxSessions of N or less.
};

/// One requirement of a profile.
struct Control {
    Profile profile;
    std::string_view os;      ///< Operating system, an ID of os-release(5); empty for every system.
    std::string_view version; ///< VERSION_ID of os-release(5), or its part before the dot; empty if `os` is empty.
    std::string_view id;
    Check check;
    unsigned value; ///< Required value of the limit, a number of sessions or a time in seconds.
};

/// Returns the supported requirements of all compliance profiles, in the order of display.
std::span<const Control> all_controls();

/// Returns a description of the requirement of a control, such as "at most 10 sessions per user".
std::string asked_for(const Control& control);

/// Returns true if the control applies to the operating system with this ID and version of os-release(5). STIG controls
/// for every system apply only if STIG has no controls for the system itself.
bool applies(const Control& control, std::string_view os, std::string_view version);

} // namespace sesslimit::audit
