// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "ctl/audit/scanner.hpp"
#include "daemon/host_config/files.hpp"
#include "daemon/host_config/sshd_config.hpp"
#include "daemon/host_config/text.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The session settings of other tools on a host, such as logind, sshd and pam_limits, with their locations. The
/// functions do no input or output of their own, but read files through the interface Files.
namespace sesslimit::audit {

using host_config::Files;
using host_config::Line;
using host_config::SshdScope;
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
    std::string item;   ///< Item: "maxlogins" or "maxsyslogins"; empty for a line "alice -", which lifts all limits.
    std::optional<std::uint64_t> most;
    Line at;
};

/// Returns the lines that determine maxlogins of a user or the members of a group, except for "*". These are the last
/// line of each domain, because pam_limits prefers it to lines with the domain "*", and all lines that lift all limits.
/// Lines for root are left out, because pam_limits does not limit the logins of root.
std::vector<LoginLimit> particular_login_limits(const std::vector<LoginLimit>& limits);

/// A value of the variable TMOUT in a start-up file of the shell. All values in one file have the same flag `fixed`.
struct ShellTimeout {
    std::optional<std::uint64_t> seconds; ///< Timeout in seconds; 0 for no timeout; absent if it is not a number.
    bool fixed = false;                   ///< True if TMOUT is readonly, so that the user cannot change it.
    Line at;
};

/// A value in the configuration of sshd. `value` is absent if it is invalid. sshd uses the first value of a keyword
/// outside of Match blocks, and overrides it with the first one in the Match blocks that select a connection. "Match
/// all" selects every connection.
struct SshdValue {
    std::optional<std::uint64_t> value; ///< Number, or time in seconds.
    SshdScope scope = SshdScope::global;
    Line at;
};

/// Returns the value that sshd uses for connections that no Match block but "Match all" selects, or nullptr for the
/// default.
const SshdValue* applying(const std::vector<SshdValue>& values);

/// The list of logins that pam_limits counts for maxlogins.
enum class LoginCount : std::uint8_t {
    utmp,   ///< Entries of utmp, which sessions without a terminal do not have.
    logind, ///< Sessions of logind, also those that are closing. Some versions count the user manager.
};

/// The policy that the daemon of sesslimit enforces on this host, compared with the policy files.
enum class PolicyInEffect : std::uint8_t {
    same,  ///< That of the files. Also assumed if it cannot be compared, as for another root directory.
    other, ///< Another one, because the files or their contents have changed since the daemon loaded them.
    none,  ///< The daemon does not run, or has no policy.
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
    /// All lines about StopIdleSessionSec= in the section [Login] of the files that logind reads.
    std::vector<Line> stop_idle_lines;
    bool cockpit_has_idle_timeout = false; ///< True if cockpit.conf(5) sets IdleTimeout= to more than 0.
    std::vector<ShellTimeout> shell_timeouts;
    /// All lines in the start-up files of the shell that assign TMOUT or change its attributes.
    std::vector<Line> shell_lines;
    std::vector<SshdValue> alive_interval;
    std::vector<SshdValue> alive_count;
    std::vector<SshdValue> ssh_sessions;  ///< MaxSessions in the configuration of sshd.
    std::optional<Line> sshd_without_pam; ///< Present if sshd does not use PAM (host_config).
    std::vector<Line> module;             ///< Lines of PAM service files that name pam_sesslimit.so.
    std::vector<PamStack> pam_stacks;     ///< Session stacks of all PAM services.
    std::vector<TextFile> unread;         ///< Files that could not be read.
    PolicyInEffect in_effect = PolicyInEffect::same;
    LoginCount login_count = LoginCount::utmp;
    /// False if logind was built without utmp, as in Debian 13. It then does not know the terminals of ssh sessions,
    /// and regards these sessions as never idle.
    bool logind_sees_ssh_idle = true;
    Scan scan; ///< Values that scanners find.
};

/// Returns a line of a shell script without the comment at its end.
std::string_view without_shell_comment(std::string_view text);

/// Reads the session settings of logind, sshd, pam_limits, PAM and the shells from the files of a host.
Native read_native(Files& files);

} // namespace sesslimit::audit
