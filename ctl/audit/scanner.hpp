// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/host_config/files.hpp"
#include "daemon/host_config/text.hpp"

#include <functional>
#include <string>
#include <vector>

/// The lines that the patterns of compliance scanners find in configuration files. The patterns are those of the OVAL
/// definitions in ComplianceAsCode. They do not interpret a file as its tool does. For example, they ignore Match
/// blocks and includes of sshd, and do not find values in other notations.
namespace sesslimit::audit {

/// A value that a pattern finds, as text, and its line.
struct Scanned {
    std::string value;
    host_config::Line at;
};

/// The values that a pattern finds in a main file and in the files of a drop-in directory.
struct ScannedFiles {
    std::vector<Scanned> main;
    std::vector<Scanned> drop_ins;
};

/// All values that the patterns of the rules find on a host.
struct Scan {
    ScannedFiles login_limits; ///< maxlogins for all users in limits.conf and limits.d
    /// Lines about maxlogins for all users in limits.d that the rule regards as present, whatever their value.
    std::vector<host_config::Line> present_login_limits;
    ScannedFiles stop_idle; ///< StopIdleSessionSec in logind.conf and logind.conf.d, the last of each section
    std::vector<Scanned> declared_tmout; ///< `declare -xr TMOUT=` or `typeset -xr TMOUT=`
    std::vector<Scanned> assigned_tmout; ///< TMOUT= followed by `readonly TMOUT` and `export TMOUT`
    ScannedFiles alive_interval;         ///< ClientAliveInterval in sshd_config and sshd_config.d
    ScannedFiles alive_count;            ///< ClientAliveCountMax
    ScannedFiles ssh_sessions;           ///< MaxSessions
};

/// Reads the files that scanners read. `matching` returns the files that match a pattern, as Files::matching() does.
Scan scan(const std::function<std::vector<host_config::TextFile>(const std::string& pattern)>& matching);

} // namespace sesslimit::audit
