// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/controls.hpp"
#include "ctl/audit/native.hpp"
#include "daemon/policy/policy.hpp"

#include <optional>
#include <string>
#include <vector>

/// The comparison of a host's settings with the controls of compliance profiles. A control is one requirement, which a
/// compliance scanner checks. The functions are pure, which means that they do no input or output.
namespace sesslimit::audit {

/// A change of a configuration file.
struct Remedy {
    std::string file;
    std::uint32_t line = 0; ///< Number of the line of `file` that `lines` replace; 0 if `lines` are added.
    /// True if `lines` are added at the top of the file. At the end of sshd_config, the lines could become part of a
    /// Match block and apply to some connections only.
    bool at_top = false;
    std::vector<std::string> lines;
    bool operator==(const Remedy&) const = default;
};

/// The result of the audit for one control, which is one requirement of a compliance profile.
struct Finding {
    const Control* control = nullptr; ///< Control that was checked, never null.
    /// True if the rule of a compliance scanner passes. The rule reads files of other tools in its own way, and ignores
    /// the policy of sesslimit. Absent if no scanner rule checks the control.
    std::optional<bool> scanner;
    /// True if the host fulfills the control for ordinary users, by the settings that are in effect or by sesslimit.
    bool in_force = false;
    std::optional<bool> ours;     ///< True if sesslimit enforces the control; absent if sesslimit cannot enforce it.
    std::vector<Line> native;     ///< Settings of other tools that concern the control, insufficient ones first.
    std::optional<Line> policy;   ///< Location of the setting in the policy of sesslimit that concerns the control.
    std::vector<Line> exceptions; ///< Rules that allow more than the control, with the name of the rule as text.
    std::vector<Remedy> remedies; ///< Proposed changes; empty if no change is needed.

    /// Returns whether an auditor would accept the control: the verdict of the scanner if there is one.
    [[nodiscard]] bool pass() const { return scanner.value_or(in_force); }
    [[nodiscard]] bool needs_remedy() const { return !pass() || !in_force; }
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

/// Checks whether sesslimit alone enforces a limit for ordinary users. `control` must outlive the report. Only its
/// fields `check`, which must be sessions or idle_session, and `value` are used.
Report judge_policy(const Native& native, const std::optional<policy::Policy>& policy, const Control& control);

} // namespace sesslimit::audit
