// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/controls.hpp"
#include "ctl/audit/native.hpp"
#include "daemon/policy/policy.hpp"

#include <optional>
#include <string>
#include <vector>

/// Compares what the host enforces with what a scanner checks. Pure: turns settings and a policy into findings.
namespace sesslimit::audit {

/// The file changes that satisfy a scanner.
struct Remedy {
    std::string file;
    std::uint32_t line = 0; ///< line that they replace; 0: they are added
    bool at_top = false;    ///< they are added at the top, because at the end they might apply to some connections only
    std::vector<std::string> lines;
};

/// The result for one control.
struct Finding {
    const Control* control = nullptr; ///< never null
    /// True if the control is met as a scanner checks it. If the scanner checks a native setting, that setting decides.
    bool pass = false;
    std::optional<bool> ours;     ///< whether sesslimit enforces it; absent: the control is unrelated to sesslimit
    std::vector<Line> native;     ///< lines that decided, or that were found and are insufficient
    std::optional<Line> policy;   ///< location of sesslimit's setting
    std::vector<Line> exceptions; ///< rules that allow more; the text is the rule's name
    std::optional<Remedy> remedy; ///< present if it does not pass
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
