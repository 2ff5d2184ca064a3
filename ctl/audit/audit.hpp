// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/controls.hpp"
#include "ctl/audit/native.hpp"
#include "daemon/policy/policy.hpp"

#include <optional>
#include <string>
#include <vector>

/// What the host enforces, and what a scanner would find. Pure: settings and a policy in, findings out.
namespace sesslimit::audit {

/// What to write where, so that a scanner is satisfied.
struct Remedy {
    std::string file;
    std::uint32_t line = 0; ///< of the line whose place they take; 0: they are added
    bool at_top = false;    ///< they are added at the top, since at the end they may hold for some only
    std::vector<std::string> lines;
};

struct Finding {
    const Control* control = nullptr; ///< never null
    /// Whether the control is met as it is checked: by the native setting where a scanner looks for that.
    bool pass = false;
    std::optional<bool> ours;     ///< whether sesslimit does it; absent: it is not about what sesslimit does
    std::vector<Line> native;     ///< what decided, or was found and is not enough
    std::optional<Line> policy;   ///< where ours is set
    std::vector<Line> exceptions; ///< rules that allow more; the text is the rule's name
    std::optional<Remedy> remedy; ///< where it does not pass
};

struct Warning {
    std::string what; ///< a sentence; safe to show
    std::vector<Line> at;
};

struct Report {
    std::vector<Finding> findings;
    std::vector<Warning> warnings;
};

/// `policy`: absent where it has errors, or there is none. Without `profile`: all of them.
Report judge(const Native& native, const std::optional<policy::Policy>& policy, std::optional<Profile> profile);

} // namespace sesslimit::audit
