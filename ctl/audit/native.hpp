// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "ctl/audit/files.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The session settings of other tools on the host, with their locations. Pure except for the files that are read.
namespace sesslimit::audit {

/// An unescaped line of a file. Display it through sesslimit::escape_for_display() only.
struct Line {
    std::string file;
    std::uint32_t number = 0; ///< from 1; 0: the file as a whole
    std::string text;
    bool operator==(const Line&) const = default;
};

/// A setting and its location.
template <class T>
struct Found {
    T value{};
    Line at;
};

/// A line of limits.conf(5) about the number of logins. A value other than a number is not a limit.
struct LoginLimit {
    std::string domain; ///< "*", "alice", "@group", "%group"
    std::string type;   ///< "hard", "soft", "-"
    std::string item;   ///< "maxlogins" or "maxsyslogins"
    std::optional<std::uint64_t> most;
    Line at;
};

/// TMOUT in a shell's start-up file. The flags apply to the whole file.
struct ShellTimeout {
    std::uint64_t seconds = 0; ///< 0: no time-out
    bool fixed = false;        ///< true if TMOUT is readonly, so that the user cannot change it
    bool exported = false;
    Line at;
};

inline constexpr char our_module[] = "pam_sesslimit.so";

/// A module of a session stack, at the position where libpam runs it.
struct PamModule {
    std::string name;                ///< file name of the module, without its directory
    std::string control;             ///< control value: one word, or the text in brackets
    std::vector<unsigned> substacks; ///< enclosing substacks, the outermost first, numbered within the stack
    Line at;
};

/// The session stack of a service, including the files that it includes.
struct PamStack {
    std::string service;
    std::vector<PamModule> modules;
};

/// All native session settings of a host.
struct Native {
    std::string os;                           ///< ID of os-release(5): "debian"; "rhel" for RHEL-like systems
    std::string version;                      ///< VERSION_ID: "12", "9.4", "24.04"
    std::vector<LoginLimit> login_limits;     ///< in the order of pam_limits, in which the last one of a domain applies
    std::optional<Found<Duration>> stop_idle; ///< effective StopIdleSessionSec of logind; absent: off
    /// StopIdleSessionSec in /etc/systemd/logind.conf alone, the only file that some scanners read.
    std::optional<Found<Duration>> stop_idle_main;
    std::vector<ShellTimeout> shell_timeouts;
    /// Settings of sshd outside of Match. Absent: sshd's default.
    std::optional<Found<Duration>> alive_interval;
    std::optional<Found<std::uint64_t>> alive_count;
    std::optional<Found<std::uint64_t>> ssh_sessions; ///< MaxSessions
    std::vector<Line> module;                         ///< lines in PAM service files that name pam_sesslimit.so
    std::vector<PamStack> pam_stacks;                 ///< session stacks of all services
    std::vector<TextFile> unread;                     ///< files that could not be read
};

/// Reads the native settings from the files.
Native read_native(Files& files);

} // namespace sesslimit::audit
