// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/host_config/files.hpp"
#include "daemon/host_config/text.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The session settings of other tools on a host, such as logind, sshd and pam_limits, with their locations. The
/// functions do no input or output of their own, but read files through the interface Files.
namespace sesslimit::audit {

using host_config::Files;
using host_config::Line;
using host_config::TextFile;

/// A setting and its location.
template <class T>
struct Found {
    T value{};
    Line at;
};

/// A line of limits.conf(5) about the number of logins. `most` is absent if the value is not a number, such as
/// "unlimited".
struct LoginLimit {
    std::string domain; ///< Domain of limits.conf(5): "*", "alice", "@group" or "%group".
    std::string type;   ///< Type: "hard", "soft" or "-".
    std::string item;   ///< Item: "maxlogins" or "maxsyslogins".
    std::optional<std::uint64_t> most;
    Line at;
};

/// A value of the variable TMOUT in a start-up file of the shell. All values in one file have the same flags `fixed`
/// and `exported`.
struct ShellTimeout {
    std::uint64_t seconds = 0; ///< Timeout in seconds; 0 for no timeout.
    bool fixed = false;        ///< True if TMOUT is readonly, so that the user cannot change it.
    bool exported = false;
    Line at;
};

inline constexpr char our_module[] = "pam_sesslimit.so";

/// A module in the session stack of a PAM service.
struct PamModule {
    std::string name;                ///< File name of the module, without its directory.
    std::string control;             ///< Control value of the module, such as "required", or the text in brackets.
    std::vector<unsigned> substacks; ///< Numbers of the substacks that contain the module, the outermost first.
    Line at;
};

/// The modules in the session stack of a PAM service, in the order in which libpam runs them. The list contains the
/// modules of included files.
struct PamStack {
    std::string service;
    std::vector<PamModule> modules;
};

/// The session settings of other tools on a host, such as logind, sshd and pam_limits.
struct Native {
    std::string os;                           ///< ID of os-release(5), such as "debian"; "rhel" for RHEL-like systems.
    std::string version;                      ///< VERSION_ID of os-release(5), such as "12" or "24.04".
    std::vector<LoginLimit> login_limits;     ///< Login limits in the order in which pam_limits reads them.
    std::optional<Found<Duration>> stop_idle; ///< StopIdleSessionSec= in effect for logind; absent if it is off.
    /// StopIdleSessionSec= in /etc/systemd/logind.conf itself, which is the only file that some scanners read.
    std::optional<Found<Duration>> stop_idle_main;
    bool cockpit_has_idle_timeout = false; ///< True if cockpit.conf(5) sets IdleTimeout= to more than 0.
    std::vector<ShellTimeout> shell_timeouts;
    /// Settings of sshd that apply to all connections (outside of Match). If a setting is absent, sshd uses its
    /// default.
    std::optional<Found<Duration>> alive_interval;
    std::optional<Found<std::uint64_t>> alive_count;
    std::optional<Found<std::uint64_t>> ssh_sessions; ///< MaxSessions in the configuration of sshd.
    std::optional<Line> sshd_without_pam;             ///< Present if sshd does not use PAM (host_config).
    std::vector<Line> module;                         ///< Lines of PAM service files that name pam_sesslimit.so.
    std::vector<PamStack> pam_stacks;                 ///< Session stacks of all PAM services.
    std::vector<TextFile> unread;                     ///< Files that could not be read.
};

/// Reads the session settings of logind, sshd, pam_limits, PAM and the shells from the files of a host.
Native read_native(Files& files);

} // namespace sesslimit::audit
