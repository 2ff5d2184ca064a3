// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::audit {

/// The supported compliance profiles.
enum class Profile : std::uint8_t { stig, pci, cis, anssi };

/// Returns "stig", "pci", "cis" or "anssi".
std::string_view name_of(Profile profile);
inline constexpr Profile profiles[] = {Profile::stig, Profile::pci, Profile::cis, Profile::anssi};

/// The kinds of settings that controls require. A control is one requirement of a compliance profile. In each line, N
/// is the value of the control (Control::value).
enum class Check : std::uint8_t {
    sessions,      ///< Requires "* hard maxlogins" with N or less in limits.conf.
    idle_session,  ///< Requires exactly N seconds for StopIdleSessionSec= in the configuration of logind.
    shell_timeout, ///< Requires TMOUT of N seconds or less in a start-up file of the shell.
    peer_interval, ///< Requires ClientAliveInterval of sshd above 0 and at most N seconds.
    peer_count,    ///< Requires exactly N for ClientAliveCountMax of sshd.
    ssh_sessions,  ///< Requires MaxSessions of sshd of at most N.
    idle_any,      ///< Requires any mechanism that locks or ends a session after at most N seconds without activity.
};
inline constexpr Check checks[] = {Check::sessions,   Check::idle_session, Check::shell_timeout, Check::peer_interval,
                                   Check::peer_count, Check::ssh_sessions, Check::idle_any};

/// One requirement of a profile.
struct Control {
    std::optional<Profile> profile; ///< Absent for a limit that a caller asks for.
    /// Operating system that the control is for, an ID of os-release(5). "*" for every system. Empty for systems for
    /// which the profile has no control of their own.
    std::string_view os;
    std::string_view version; ///< VERSION_ID of this system, or its part before the dot; empty for every version.
    std::string_view id;
    Check check;
    unsigned value; ///< Required value of the limit, a number of sessions or probes or a time in seconds.
};

/// Returns the supported requirements of all compliance profiles, in the order of display.
std::span<const Control> all_controls();

/// Returns a description of the requirement of a control, such as "at most 10 sessions per user".
std::string asked_for(const Control& control);

/// Returns the controls of a profile for the operating system with this ID and version of os-release(5).
std::vector<const Control*> controls_for(Profile profile, std::string_view os, std::string_view version);

/// The identifiers of a kind of setting in catalogs and scanner content.
struct Identifiers {
    std::string_view rule; ///< Rule of ComplianceAsCode, without prefix; empty if no scanner rule checks the setting.
    std::span<const std::string_view> cci;  ///< Control Correlation Identifiers of DISA
    std::span<const std::string_view> nist; ///< controls of NIST SP 800-53
};
Identifiers identifiers_of(Check check);

/// The way in which the scanner rules for an operating system read configuration files.
struct ScannerReading {
    bool sshd_main_only = false;       ///< True if files in sshd_config.d are ignored.
    bool assigns_tmout = false;        ///< True if TMOUT must be set in three lines instead of by `declare -xr`.
    bool interval_needs_count = false; ///< True if the rule for ClientAliveInterval also checks ClientAliveCountMax.
};
ScannerReading reading_of(std::string_view os, std::string_view version);

/// Returns true if StopIdleSessionSec must be set in logind.conf.d as well as in logind.conf.
bool needs_logind_drop_in(const Control& control);

} // namespace sesslimit::audit
