// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/controls.hpp"
#include "ctl/audit/native.hpp"
#include "daemon/policy/policy.hpp"

#include <optional>
#include <string>
#include <vector>

/// The comparison of a host's settings with the controls of compliance profiles. A control is one requirement, which a
/// compliance scanner checks. The functions are pure: they turn settings and a policy into findings.
namespace sesslimit::audit {

/// The change of a file that makes a control pass the check of a compliance scanner.
struct Remedy {
    std::string file;
    std::uint32_t line = 0; ///< Number of the configuration line that `lines` replace, or 0 if `lines` are added.
    /// True if `lines` are added at the top of the file. At the end of sshd_config, they might follow a Match, so that
    /// they apply to some connections only.
    bool at_top = false;
    std::vector<std::string> lines;
};

/// The result of the audit for one control, which is one requirement of a compliance profile.
struct Finding {
    const Control* control = nullptr; ///< Control that was checked, never null.
    /// True if the control passes the check of a scanner. If the scanner checks a setting of another tool, only that
    /// setting decides, even if sesslimit enforces the control.
    bool pass = false;
    std::optional<bool> ours;     ///< True if sesslimit enforces the control; absent if sesslimit cannot do so.
    std::vector<Line> native;     ///< Lines of other tools' files that fulfill the control or that are insufficient.
    std::optional<Line> policy;   ///< Location of the setting of sesslimit.
    std::vector<Line> exceptions; ///< Rules that allow more than the control; the text of each line is the rule's name.
    std::optional<Remedy> remedy; ///< Change that satisfies a scanner; present if and only if `pass` is false.
};

/// A warning about settings of the host, with the lines of the configuration files that cause it.
struct Warning {
    std::string what; ///< a sentence, escaped for display
    std::vector<Line> at;
};

/// The result of an audit.
struct Report {
    std::vector<Finding> findings;
    std::vector<Warning> warnings;
};

/// Compares the settings of a host with the controls of compliance profiles. `native` contains the settings of other
/// tools. `policy` is the policy of sesslimit, or absent if it has errors. If `profile` is absent, all profiles are
/// checked.
Report judge(const Native& native, const std::optional<policy::Policy>& policy, std::optional<Profile> profile);

} // namespace sesslimit::audit
