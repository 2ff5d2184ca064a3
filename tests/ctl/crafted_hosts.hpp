// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/controls.hpp"

#include <map>
#include <string>
#include <vector>

/// Configuration files of hosts for the tests of the audit.
namespace sesslimit::test {

inline constexpr char rhel8[] = "ID=rhel\nVERSION_ID=8\n";
inline constexpr char rhel9[] = "ID=rhel\nVERSION_ID=9.6\n";
inline constexpr char ubuntu[] = "ID=ubuntu\nVERSION_ID=24.04\n";
inline constexpr char debian[] = "ID=debian\nVERSION_ID=12\n";

inline constexpr char limits[] = "/etc/security/limits.conf";
inline constexpr char limits_a[] = "/etc/security/limits.d/a.conf";
inline constexpr char limits_b[] = "/etc/security/limits.d/b.conf";
inline constexpr char logind[] = "/etc/systemd/logind.conf";
inline constexpr char logind_a[] = "/etc/systemd/logind.conf.d/a.conf";
inline constexpr char profile_sh[] = "/etc/profile.d/t.sh";
inline constexpr char sshd[] = "/etc/ssh/sshd_config";
inline constexpr char sshd_a[] = "/etc/ssh/sshd_config.d/a.conf";
inline constexpr char in_main[] = "Include sshd_config.d/*.conf\n";

/// Files of a host on which the scanner's verdict and the settings in effect are known. Values at which both differ
/// were tried with oscap and real logins.
struct CraftedFiles {
    std::map<std::string, std::string> files;
    const char* verdicts; ///< of the scanner, and in force
};

/// A control, and hosts with different files.
struct CraftedControl {
    const char* os;
    const char* id;
    audit::Check check;
    std::vector<CraftedFiles> hosts;
};

inline const std::vector<CraftedControl>& crafted_controls() {
    using enum audit::Check;
    static const std::vector<CraftedControl> controls{
        {rhel8,
         "RHEL-08-020024",
         sessions,
         {
             {{{limits, "* hard maxlogins 10"}}, "pass yes"},
             {{{limits, "* - maxlogins 3"}}, "pass yes"},
             {{{limits, "* hard maxlogins 11"}}, "fail no"},
             {{{limits, "* soft maxlogins 10"}}, "fail yes"},
             {{{limits, "@all hard maxlogins 10"}}, "fail no"},
             {{{limits, "* hard maxsyslogins 10"}}, "fail no"},
             {{{limits, "* hard maxlogins 10 # why"}}, "fail yes"},
             {{{limits, "* hard maxlogins 0"}}, "pass no"},
             {{{limits, "* hard maxlogins 10\n* hard maxlogins 20"}}, "pass no"},
             {{{limits, "* hard maxlogins 10\n* - maxlogins unlimited"}}, "pass no"},
             {{{limits, "* hard maxlogins 20\n* hard maxlogins 10"}}, "fail yes"},
             {{{limits_a, "* hard maxlogins 20"}, {limits_b, "* hard maxlogins 10"}}, "fail yes"},
             {{{limits_a, "* hard maxlogins 20"}, {limits_b, "* hard maxlogins 30"}}, "fail no"},
             {{{limits, "* hard maxlogins 20"}, {limits_b, "* hard maxlogins 10"}}, "pass yes"},
             {{{limits, "* hard maxlogins 10"}, {limits_b, "* hard maxlogins 20"}}, "fail no"},
             {{{limits, "alice hard maxlogins 10"}}, "fail no"},
             {{{limits, "* hard maxlogins 10\nalice hard maxlogins 5"}}, "pass yes"},
             {{{limits, "* hard maxlogins 10\nalice hard maxlogins 20"}}, "pass no"},
             {{{limits, "alice hard maxlogins 20\n* hard maxlogins 10"}}, "pass no"},
             {{{limits, "* hard maxlogins 10\nalice soft maxlogins 20\nalice - maxlogins 10"}}, "pass yes"},
             {{{limits, "* hard maxlogins 10\nalice - maxlogins 10\nbob - maxlogins unlimited"}}, "pass no"},
             {{{limits, "* hard maxlogins 20"}, {limits_b, "alice hard maxlogins 10"}}, "fail no"},
             {{{limits, "* hard maxlogins 10"}, {limits_b, "@staff - maxlogins 11"}}, "pass no"},
             {{{limits, "* hard maxlogins 10\n%staff - maxlogins 11"}}, "pass no"},
             {{{limits, "* hard maxlogins 10\n1000: - maxlogins 0"}}, "pass no"},
             {{{limits, "* hard maxlogins 10\nalice -"}}, "pass no"},
             {{{limits, "alice -\nalice hard maxlogins 5\n* hard maxlogins 10"}}, "pass no"},
             {{{limits, "* hard maxlogins 10\n* -\n%staff -"}}, "pass yes"},
             {{{limits, "* hard maxlogins 10\nroot hard maxlogins 99"}}, "pass yes"},
             {{{limits, "* hard maxlogins 10\nalice hard maxsyslogins 99"}}, "pass yes"},
         }},
        {rhel8,
         "RHEL-08-020035",
         idle_session,
         {
             {{{logind, "[Login]\nStopIdleSessionSec=600"}}, "pass yes"},
             {{{logind, "[Login]\nStopIdleSessionSec=300"}}, "fail yes"},
             {{{logind, "[Login]\nStopIdleSessionSec=10min"}}, "fail yes"},
             {{{logind_a, "[Login]\nStopIdleSessionSec=600"}}, "fail yes"},
         }},
        {rhel9,
         "RHEL-09-412080",
         idle_session,
         {
             {{{logind, "[Login]\nStopIdleSessionSec=600"}}, "fail yes"},
             {{{logind_a, "[Login]\nStopIdleSessionSec=600"}}, "fail yes"},
             {{{logind, "[Login]\nStopIdleSessionSec=600"}, {logind_a, "[Login]\nStopIdleSessionSec=600"}}, "pass yes"},
             {{{logind, "[Login]\nStopIdleSessionSec=600"}, {logind_a, "[Login]\nStopIdleSessionSec=900"}}, "fail no"},
         }},
        {rhel8,
         "RHEL-08-020360",
         shell_timeout,
         {
             {{{profile_sh, "declare -xr TMOUT=600"}}, "pass yes"},
             {{{profile_sh, "readonly TMOUT=600\nexport TMOUT"}}, "fail yes"},
             {{{profile_sh, "TMOUT=600"}}, "fail no"},
             {{{profile_sh, "declare -xr TMOUT=601"}}, "fail no"},
             {{{profile_sh, "declare -xr TMOUT=0"}}, "pass no"},
             {{{profile_sh, "declare -xr TMOUT=600"}, {"/etc/profile", "TMOUT=0"}}, "pass no"},
         }},
        {rhel8,
         "CIS 5.4.3.2",
         shell_timeout,
         {
             {{{profile_sh, "declare -xr TMOUT=900"}}, "pass yes"},
         }},
        {ubuntu,
         "UBTU-24-200060",
         shell_timeout,
         {
             {{{profile_sh, "declare -xr TMOUT=600"}}, "fail yes"},
             {{{profile_sh, "TMOUT=600\nreadonly TMOUT\nexport TMOUT"}}, "pass yes"},
             {{{"/etc/profile.d/t", "TMOUT=600\nreadonly TMOUT"}}, "fail no"},
             {{{"/etc/bash.bashrc", "TMOUT=600\nreadonly TMOUT\nexport TMOUT"}}, "fail yes"},
         }},
        {rhel8,
         "RHEL-08-010201",
         peer_interval,
         {
             {{{sshd, "ClientAliveInterval 600"}}, "pass yes"},
             {{{sshd, "ClientAliveInterval 601"}}, "fail no"},
             {{{sshd, "ClientAliveInterval 0"}}, "fail no"},
             {{{sshd, "ClientAliveInterval=600"}}, "fail yes"},
             {{{sshd, "ClientAliveInterval 10m"}}, "fail yes"},
             {{{sshd, "ClientAliveInterval 600\nMatch User a\nClientAliveInterval 0"}}, "fail no"},
             {{{sshd, "Match User a\nClientAliveInterval 600"}}, "pass no"},
             {{{sshd, "ClientAliveInterval 600\nMatch all\nClientAliveInterval 0"}}, "fail no"},
             {{{sshd, "ClientAliveInterval 0\nMatch all\nClientAliveInterval 600"}}, "fail yes"},
             {{{sshd, in_main + std::string("ClientAliveInterval 900")}, {sshd_a, "ClientAliveInterval 600"}},
              "fail yes"},
         }},
        {rhel9,
         "RHEL-09-255100",
         peer_interval,
         {
             {{{sshd, in_main + std::string("ClientAliveInterval 900")}, {sshd_a, "ClientAliveInterval 600"}},
              "fail yes"},
             {{{sshd, in_main}, {sshd_a, "ClientAliveInterval 600"}}, "pass yes"},
         }},
        {rhel8,
         "RHEL-08-010200",
         peer_count,
         {
             {{{sshd, "ClientAliveCountMax 1"}}, "pass yes"},
             {{{sshd, "ClientAliveCountMax 0"}}, "fail no"},
             {{{sshd, "ClientAliveCountMax 2"}}, "fail no"},
         }},
        {rhel9,
         "CIS sshd",
         peer_count,
         {
             {{{sshd, "ClientAliveCountMax 3"}}, "fail yes"},
             {{{sshd, "ClientAliveCountMax 1"}}, "pass yes"},
         }},
        {debian,
         "CIS sshd",
         peer_count,
         {
             {{{sshd, "ClientAliveCountMax 3"}}, "pass yes"},
             {{}, "fail yes"},
         }},
        {rhel9,
         "CIS sshd",
         peer_interval,
         {
             {{{sshd, "ClientAliveInterval 900"}}, "fail yes"},
         }},
        {debian,
         "CIS sshd",
         peer_interval,
         {
             {{{sshd, "ClientAliveInterval 300"}}, "fail yes"},
             {{{sshd, "ClientAliveInterval 300\nClientAliveCountMax 3"}}, "pass yes"},
         }},
        {debian,
         "CIS sshd",
         ssh_sessions,
         {
             {{{sshd, in_main + std::string("MaxSessions 10")}, {sshd_a, "MaxSessions 100"}}, "pass no"},
             {{{sshd, in_main}, {sshd_a, "MaxSessions 10"}}, "fail yes"},
         }},
        {rhel9,
         "CIS sshd",
         ssh_sessions,
         {
             {{{sshd, in_main}, {sshd_a, "MaxSessions 10"}}, "pass yes"},
             {{}, "fail yes"},
         }},
        {debian,
         "PCI DSS 8.2.8",
         idle_any,
         {
             {{{profile_sh, "readonly TMOUT=900"}}, "- yes"},
             {{{profile_sh, "TMOUT=900"}}, "- no"},
             {{{logind, "[Login]\nStopIdleSessionSec=15min"}}, "- yes"},
             {{{logind, "[Login]\nStopIdleSessionSec=16min"}}, "- no"},
         }},
        {debian,
         "BP-028 R32",
         idle_session,
         {
             {{{logind, "[Login]\nStopIdleSessionSec=600"}}, "pass yes"},
         }},
    };
    return controls;
}

} // namespace sesslimit::test
