// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"
#include "daemon/policy/load.hpp"
#include "tests/unit/support/names.hpp"

#include <optional>
#include <string>
#include <vector>

/// Shared by the tests of the audit: policies, and findings as text.
namespace sesslimit::test {

inline constexpr char in_pam[] = "session requisite pam_sesslimit.so\n";
inline constexpr char stig_policy[] = "version = 1\n[defaults]\nmax_sessions = 10\nidle_timeout = \"600s\"\n"
                                      "idle_activity = \"input\"\n"
                                      "count_left_behind = true\n";

inline std::optional<policy::Policy> policy_of(const std::string& host, const std::string& managed = "") {
    EveryName names;
    return policy::load({{"/etc/sesslimit/managed.d/m.toml", policy::Tier::managed, managed},
                         {"/etc/sesslimit/policy.toml", policy::Tier::host, host}},
                        names)
        .policy;
}

inline std::string where(const std::vector<audit::Line>& lines) {
    std::string text;
    for (const audit::Line& line : lines) {
        text += " " + line.file.substr(line.file.rfind('/') + 1) + ":" + std::to_string(line.number);
    }
    return text;
}

/// "ID SCANNER IN-FORCE OURS LINES", such as "X fail no not-ours sshd_config:1"
inline std::string told(const audit::Finding& finding) {
    return std::string(finding.control->id) +
           (!finding.scanner   ? " -"
            : *finding.scanner ? " pass"
                               : " fail") +
           (finding.in_force ? " yes" : " no") +
           (!finding.ours   ? ""
            : *finding.ours ? " ours"
                            : " not-ours") +
           where(finding.native);
}

} // namespace sesslimit::test
