// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sesslimit::audit {

enum class Profile : std::uint8_t { stig, pci, cis };

/// "stig", "pci", "cis".
std::string_view name_of(Profile profile);
inline constexpr Profile profiles[] = {Profile::stig, Profile::pci, Profile::cis};

/// What a control wants to see.
enum class Check : std::uint8_t {
    sessions,          ///< limits.conf: "* hard maxlogins N", N or less
    idle_session,      ///< logind: StopIdleSessionSec=N, exactly
    idle_main,         ///< the same, in /etc/systemd/logind.conf itself
    shell_timeout,     ///< a shell's start-up file: TMOUT, N or less
    shell_fixed,       ///< the same, readonly and exported
    idle_any,          ///< whatever has a user prove anew who they are after N seconds
    peer_interval,     ///< sshd: ClientAliveInterval, above 0 and N or less
    peer_count,        ///< sshd: ClientAliveCountMax, above 0 and N or less
    any_peer_interval, ///< the same without a bound: above 0, N where nothing is there yet
    any_peer_count,
    ssh_sessions, ///< sshd: MaxSessions, N or less
};

struct Control {
    Profile profile;
    std::string_view os;      ///< ID of os-release(5); empty: of every system
    std::string_view version; ///< VERSION_ID, or its part before the dot; empty with an empty `os`
    std::string_view id;
    Check check;
    unsigned value; ///< N: a number, or seconds
};

/// All that are known, in the order in which they are shown.
std::span<const Control> all_controls();

/// What it wants, in words: "at most 10 sessions per user".
std::string asked_for(const Control& control);

/// Whether the control is one for that system. Those for every system of STIG hold where it has none of the system's
/// own.
bool applies(const Control& control, std::string_view os, std::string_view version);

} // namespace sesslimit::audit
