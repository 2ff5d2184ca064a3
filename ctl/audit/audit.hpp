// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/controls.hpp"
#include "ctl/audit/native.hpp"
#include "daemon/policy/policy.hpp"

#include <optional>
#include <string>
#include <vector>

/// The comparison of a host's settings with the controls of compliance scanners. The functions are pure. They turn
/// settings and a policy into findings.
namespace sesslimit::audit {

/// The file changes that satisfy a scanner.
struct Remedy {
    std::string file;
    std::uint32_t line = 0; ///< number of the line that `lines` replace; 0: `lines` are added
    /// True if `lines` are added at the top, because at the end they might apply to some connections only.
    bool at_top = false;
    std::vector<std::string> lines;
};

/// The result for one control.
struct Finding {
    const Control* control = nullptr; ///< never null
    /// True if the control passes the check of a scanner. If the scanner checks a native setting, that setting decides.
    bool pass = false;
    std::optional<bool> ours; ///< true if sesslimit enforces the control; absent: the control is unrelated to sesslimit
    std::vector<Line> native; ///< lines that determined the result, or lines that are insufficient
    std::optional<Line> policy;   ///< location of sesslimit's setting
    std::vector<Line> exceptions; ///< locations of rules that allow more than the control; the text is the rule's name
    std::optional<Remedy> remedy; ///< changes that satisfy a scanner; present if `pass` is false
};

/// A warning about lines of configuration files.
struct Warning {
    std::string what; ///< a sentence, escaped for display
    std::vector<Line> at;
};

/// The result of an audit.
struct Report {
    std::vector<Finding> findings;
    std::vector<Warning> warnings;
};

/// Audits the host. `policy` is absent if it has errors or does not exist. Without `profile` all profiles are checked.
Report judge(const Native& native, const std::optional<policy::Policy>& policy, std::optional<Profile> profile);

} // namespace sesslimit::audit
