// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "ctl/audit/files.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What other tools of the host have been told about sessions, and where. Pure but for the files that are asked for.
namespace sesslimit::audit {

/// A line of a file, as it is there: show it through sesslimit::escape_for_display() only.
struct Line {
    std::string file;
    std::uint32_t number = 0; ///< from 1; 0: the file as a whole
    std::string text;
    bool operator==(const Line&) const = default;
};

template <class T>
struct Found {
    T value{};
    Line at;
};

/// A line of limits.conf(5) about the number of logins. Values that are no number are no limit.
struct LoginLimit {
    std::string domain; ///< "*", "alice", "@group", "%group"
    std::string type;   ///< "hard", "soft", "-"
    std::string item;   ///< "maxlogins" or "maxsyslogins"
    std::optional<std::uint64_t> most;
    Line at;
};

/// TMOUT of a shell's start-up file. The flags are those of the whole file.
struct ShellTimeout {
    std::uint64_t seconds = 0; ///< 0: no time-out
    bool fixed = false;        ///< readonly: its user cannot change it
    bool exported = false;
    Line at;
};

inline constexpr char our_module[] = "pam_sesslimit.so";

/// A module of a session stack, in the place where libpam runs it.
struct PamModule {
    std::string name;                ///< without its directory
    std::string control;             ///< a word, or what stands in brackets
    std::vector<unsigned> substacks; ///< those around it, the outermost first, numbered within the stack
    Line at;
};

/// The session stack of a service, with what it includes.
struct PamStack {
    std::string service;
    std::vector<PamModule> modules;
};

struct Native {
    std::string os;                           ///< ID of os-release(5): "debian"; of a RHEL-like one "rhel"
    std::string version;                      ///< VERSION_ID: "12", "9.4", "24.04"
    std::vector<LoginLimit> login_limits;     ///< in pam_limits' order: the last one of a domain wins
    std::optional<Found<Duration>> stop_idle; ///< logind's StopIdleSessionSec as it works out; absent: off
    std::optional<Found<Duration>>
        stop_idle_main; ///< the same of /etc/systemd/logind.conf alone, which is all some look at
    std::vector<ShellTimeout> shell_timeouts;
    /// sshd's, outside of Match; absent: its default.
    std::optional<Found<Duration>> alive_interval;
    std::optional<Found<std::uint64_t>> alive_count;
    std::optional<Found<std::uint64_t>> ssh_sessions; ///< MaxSessions
    std::vector<Line> module;                         ///< lines of PAM's service files that name pam_sesslimit.so
    std::vector<PamStack> pam_stacks;                 ///< of all services
    std::vector<TextFile> unread;                     ///< what could not be read
};

Native read_native(Files& files);

} // namespace sesslimit::audit
