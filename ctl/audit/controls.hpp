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

/// The setting that a control requires.
enum class Check : std::uint8_t {
    sessions,          ///< limits.conf: "* hard maxlogins N", N or less
    idle_session,      ///< logind: StopIdleSessionSec=N, exactly
    idle_main,         ///< logind: StopIdleSessionSec=N, exactly, in /etc/systemd/logind.conf itself
    shell_timeout,     ///< a shell's start-up file: TMOUT, N or less
    shell_fixed,       ///< a shell's start-up file: TMOUT, N or less, readonly and exported
    idle_any,          ///< any mechanism that requires reauthentication after N seconds
    peer_interval,     ///< sshd: ClientAliveInterval, above 0 and N or less
    peer_count,        ///< sshd: ClientAliveCountMax, above 0 and N or less
    any_peer_interval, ///< the same without an upper bound: above 0, N if it is not set yet
    any_peer_count,
    ssh_sessions, ///< sshd: MaxSessions, N or less
};

/// One requirement of a profile.
struct Control {
    Profile profile;
    std::string_view os;      ///< ID of os-release(5); empty: every system
    std::string_view version; ///< VERSION_ID, or its part before the dot; empty with an empty `os`
    std::string_view id;
    Check check;
    unsigned value; ///< N, a number or a time in seconds
};

/// Returns all known controls, in display order.
std::span<const Control> all_controls();

/// Returns a text about the requirement: "at most 10 sessions a user".
std::string asked_for(const Control& control);

/// Returns true if the control applies to that system. STIG controls for every system apply only if STIG has no
/// controls for the system itself.
bool applies(const Control& control, std::string_view os, std::string_view version);

} // namespace sesslimit::audit
