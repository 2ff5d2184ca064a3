// SPDX-License-Identifier: MIT
#include "ctl/audit/audit.hpp"
#include "ctl/commands/audit.hpp"
#include "daemon/host_config/text.hpp"
#include "tests/ctl/fake_files.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/ctl/schema.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace sesslimit;
using namespace sesslimit::audit;
using namespace sesslimit::test;
namespace fs = std::filesystem;

namespace {

class EverybodyIsThere final : public policy::Names {
  public:
    std::optional<uid_t> user(const std::string& name) override { return name == "root" ? 0 : 1000; }
    std::optional<gid_t> group(const std::string&) override { return 100; }
};

constexpr char in_pam[] = "session requisite pam_sesslimit.so\n";
constexpr char stig_policy[] = "version = 1\n[defaults]\nmax_sessions = 10\nidle_timeout = \"600s\"\n"
                               "idle_activity = \"input\"\n"
                               "count_left_behind = true\n";

std::optional<policy::Policy> policy_of(const std::string& host, const std::string& managed = "") {
    EverybodyIsThere names;
    return policy::load({{"/etc/sesslimit/managed.d/m.toml", policy::Tier::managed, managed},
                         {"/etc/sesslimit/policy.toml", policy::Tier::host, host}},
                        names)
        .policy;
}

std::string where(const std::vector<Line>& lines) {
    std::string text;
    for (const Line& line : lines) {
        text += " " + line.file.substr(line.file.rfind('/') + 1) + ":" + std::to_string(line.number);
    }
    return text;
}

/// "ID SCANNER IN-FORCE OURS LINES", such as "X fail no not-ours sshd_config:1"
std::string told(const Finding& finding) {
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

/// Formats the findings of a profile, one per line.
std::string found(const std::map<std::string, std::string>& texts, const std::optional<policy::Policy>& policy,
                  std::optional<Profile> profile = Profile::stig) {
    FakeFiles files(texts);
    std::string text;
    for (const Finding& finding : judge(read_native(files), policy, profile).findings) {
        text += told(finding) + "\n";
    }
    return text;
}

SESSLIMIT_TEST(sesslimit_policy_alone_fails_every_scan) {
    EXPECT_TEXT(found({{"/etc/pam.d/common-session", in_pam}}, policy_of(stig_policy)), "SRG-OS-000027 fail yes ours\n"
                                                                                        "SRG-OS-000279 fail yes ours\n"
                                                                                        "SRG-OS-000163 fail no\n"
                                                                                        "SRG-OS-000163 fail no\n");
}

SESSLIMIT_TEST(native_settings_pass_without_sesslimit) {
    EXPECT_TEXT(found({{"/etc/security/limits.d/a.conf", "* hard maxlogins 10\n"},
                       {"/etc/systemd/logind.conf", "[Login]\nStopIdleSessionSec=600\n"},
                       {"/etc/ssh/sshd_config", "ClientAliveInterval 600\nClientAliveCountMax 1\n"}},
                      policy::Policy()),
                "SRG-OS-000027 pass yes not-ours a.conf:1\n"
                "SRG-OS-000279 pass yes not-ours logind.conf:2\n"
                "SRG-OS-000163 pass yes sshd_config:1\n"
                "SRG-OS-000163 pass yes sshd_config:2\n");
}

SESSLIMIT_TEST(controls_depend_on_os_release) {
    struct Case {
        const char* release;
        const char* controls;
    };
    constexpr Case cases[] = {
        {"ID=rhel\nVERSION_ID=8.10\n", "RHEL-08-020024 RHEL-08-020035 RHEL-08-020360 RHEL-08-010201 RHEL-08-010200 "
                                       "PCI DSS 8.2.8 PCI DSS 8.2.8 PCI DSS 8.2.8 PCI DSS 8.6.1 PCI DSS 2.2.6 "
                                       "CIS 5.4.3.2 CIS sshd CIS sshd CIS sshd BP-028 R32 BP-028 R32 "},
        {"ID=rhel\nVERSION_ID=10.0\n", "RHEL-10-600475 RHEL-10-700920 RHEL-10-700930 RHEL-10-700660 "
                                       "PCI DSS 8.2.8 PCI DSS 8.2.8 PCI DSS 8.2.8 PCI DSS 8.6.1 PCI DSS 2.2.6 "
                                       "CIS 5.4.3.2 CIS sshd CIS sshd CIS sshd BP-028 R32 BP-028 R32 "},
        {"ID=ubuntu\nVERSION_ID=24.04\n", "UBTU-24-200000 UBTU-24-200060 UBTU-24-600010 UBTU-24-600000 PCI DSS 8.2.8 "
                                          "CIS 5.4.3.2 CIS sshd CIS sshd CIS sshd BP-028 R32 BP-028 R32 "},
        {"ID=ubuntu\nVERSION_ID=20.04\n", "SRG-OS-000027 SRG-OS-000279 SRG-OS-000163 SRG-OS-000163 PCI DSS 8.2.8 "
                                          "CIS 5.4.3.2 CIS sshd CIS sshd CIS sshd BP-028 R32 BP-028 R32 "},
    };
    for (const Case& one : cases) {
        FakeFiles files{{"/etc/os-release", one.release}};
        std::string ids;
        for (const Finding& finding : judge(read_native(files), policy::Policy(), {}).findings) {
            ids += std::string(finding.control->id) + " ";
        }
        EXPECT_TEXT(ids, one.controls);
    }
}

constexpr char rhel8[] = "ID=rhel\nVERSION_ID=8\n";
constexpr char rhel9[] = "ID=rhel\nVERSION_ID=9.6\n";
constexpr char ubuntu[] = "ID=ubuntu\nVERSION_ID=24.04\n";
constexpr char debian[] = "ID=debian\nVERSION_ID=12\n";

constexpr char limits[] = "/etc/security/limits.conf";
constexpr char limits_a[] = "/etc/security/limits.d/a.conf";
constexpr char limits_b[] = "/etc/security/limits.d/b.conf";
constexpr char logind[] = "/etc/systemd/logind.conf";
constexpr char logind_a[] = "/etc/systemd/logind.conf.d/a.conf";
constexpr char profile_sh[] = "/etc/profile.d/t.sh";
constexpr char sshd[] = "/etc/ssh/sshd_config";
constexpr char sshd_a[] = "/etc/ssh/sshd_config.d/a.conf";
constexpr char in_main[] = "Include sshd_config.d/*.conf\n";

/// A host on which the scanner's verdict and the settings in effect are known. Values at which both differ were tried
/// with oscap and real logins.
struct Crafted {
    const char* os;
    const char* control;
    Check check;
    std::map<std::string, std::string> files;
    const char* verdicts; ///< of the scanner, and in force
};

const std::vector<Crafted>& crafted() {
    using enum Check;
    static const std::vector<Crafted> cases{
        {rhel8, "RHEL-08-020024", sessions, {{limits, "* hard maxlogins 10"}}, "pass yes"},
        {rhel8, "RHEL-08-020024", sessions, {{limits, "* - maxlogins 3"}}, "pass yes"},
        {rhel8, "RHEL-08-020024", sessions, {{limits, "* hard maxlogins 11"}}, "fail no"},
        {rhel8, "RHEL-08-020024", sessions, {{limits, "* soft maxlogins 10"}}, "fail yes"},
        {rhel8, "RHEL-08-020024", sessions, {{limits, "@all hard maxlogins 10"}}, "fail no"},
        {rhel8, "RHEL-08-020024", sessions, {{limits, "* hard maxsyslogins 10"}}, "fail no"},
        {rhel8, "RHEL-08-020024", sessions, {{limits, "* hard maxlogins 10 # why"}}, "fail yes"},
        {rhel8, "RHEL-08-020024", sessions, {{limits, "* hard maxlogins 0"}}, "pass no"},
        {rhel8, "RHEL-08-020024", sessions, {{limits, "* hard maxlogins 10\n* hard maxlogins 20"}}, "pass no"},
        {rhel8, "RHEL-08-020024", sessions, {{limits, "* hard maxlogins 10\n* - maxlogins unlimited"}}, "pass no"},
        {rhel8, "RHEL-08-020024", sessions, {{limits, "* hard maxlogins 20\n* hard maxlogins 10"}}, "fail yes"},
        {rhel8,
         "RHEL-08-020024",
         sessions,
         {{limits_a, "* hard maxlogins 20"}, {limits_b, "* hard maxlogins 10"}},
         "fail yes"},
        {rhel8,
         "RHEL-08-020024",
         sessions,
         {{limits_a, "* hard maxlogins 20"}, {limits_b, "* hard maxlogins 30"}},
         "fail no"},
        {rhel8,
         "RHEL-08-020024",
         sessions,
         {{limits, "* hard maxlogins 20"}, {limits_b, "* hard maxlogins 10"}},
         "pass yes"},
        {rhel8,
         "RHEL-08-020024",
         sessions,
         {{limits, "* hard maxlogins 10"}, {limits_b, "* hard maxlogins 20"}},
         "fail no"},
        {rhel8, "RHEL-08-020035", idle_session, {{logind, "[Login]\nStopIdleSessionSec=600"}}, "pass yes"},
        {rhel8, "RHEL-08-020035", idle_session, {{logind, "[Login]\nStopIdleSessionSec=300"}}, "fail yes"},
        {rhel8, "RHEL-08-020035", idle_session, {{logind, "[Login]\nStopIdleSessionSec=10min"}}, "fail yes"},
        {rhel8, "RHEL-08-020035", idle_session, {{logind_a, "[Login]\nStopIdleSessionSec=600"}}, "fail yes"},
        {rhel9, "RHEL-09-412080", idle_session, {{logind, "[Login]\nStopIdleSessionSec=600"}}, "fail yes"},
        {rhel9, "RHEL-09-412080", idle_session, {{logind_a, "[Login]\nStopIdleSessionSec=600"}}, "fail yes"},
        {rhel9,
         "RHEL-09-412080",
         idle_session,
         {{logind, "[Login]\nStopIdleSessionSec=600"}, {logind_a, "[Login]\nStopIdleSessionSec=600"}},
         "pass yes"},
        {rhel9,
         "RHEL-09-412080",
         idle_session,
         {{logind, "[Login]\nStopIdleSessionSec=600"}, {logind_a, "[Login]\nStopIdleSessionSec=900"}},
         "fail no"},
        {rhel8, "RHEL-08-020360", shell_timeout, {{profile_sh, "declare -xr TMOUT=600"}}, "pass yes"},
        {rhel8, "RHEL-08-020360", shell_timeout, {{profile_sh, "readonly TMOUT=600\nexport TMOUT"}}, "fail yes"},
        {rhel8, "RHEL-08-020360", shell_timeout, {{profile_sh, "TMOUT=600"}}, "fail no"},
        {rhel8, "RHEL-08-020360", shell_timeout, {{profile_sh, "declare -xr TMOUT=601"}}, "fail no"},
        {rhel8, "RHEL-08-020360", shell_timeout, {{profile_sh, "declare -xr TMOUT=0"}}, "pass no"},
        {rhel8,
         "RHEL-08-020360",
         shell_timeout,
         {{profile_sh, "declare -xr TMOUT=600"}, {"/etc/profile", "TMOUT=0"}},
         "pass no"},
        {rhel8, "CIS 5.4.3.2", shell_timeout, {{profile_sh, "declare -xr TMOUT=900"}}, "pass yes"},
        {ubuntu, "UBTU-24-200060", shell_timeout, {{profile_sh, "declare -xr TMOUT=600"}}, "fail yes"},
        {ubuntu,
         "UBTU-24-200060",
         shell_timeout,
         {{profile_sh, "TMOUT=600\nreadonly TMOUT\nexport TMOUT"}},
         "pass yes"},
        {ubuntu, "UBTU-24-200060", shell_timeout, {{"/etc/profile.d/t", "TMOUT=600\nreadonly TMOUT"}}, "fail no"},
        {ubuntu,
         "UBTU-24-200060",
         shell_timeout,
         {{"/etc/bash.bashrc", "TMOUT=600\nreadonly TMOUT\nexport TMOUT"}},
         "fail yes"},
        {rhel8, "RHEL-08-010201", peer_interval, {{sshd, "ClientAliveInterval 600"}}, "pass yes"},
        {rhel8, "RHEL-08-010201", peer_interval, {{sshd, "ClientAliveInterval 601"}}, "fail no"},
        {rhel8, "RHEL-08-010201", peer_interval, {{sshd, "ClientAliveInterval 0"}}, "fail no"},
        {rhel8, "RHEL-08-010201", peer_interval, {{sshd, "ClientAliveInterval=600"}}, "fail yes"},
        {rhel8, "RHEL-08-010201", peer_interval, {{sshd, "ClientAliveInterval 10m"}}, "fail yes"},
        {rhel8,
         "RHEL-08-010201",
         peer_interval,
         {{sshd, "ClientAliveInterval 600\nMatch User a\nClientAliveInterval 0"}},
         "fail no"},
        {rhel8, "RHEL-08-010201", peer_interval, {{sshd, "Match User a\nClientAliveInterval 600"}}, "pass no"},
        {rhel8,
         "RHEL-08-010201",
         peer_interval,
         {{sshd, in_main + std::string("ClientAliveInterval 900")}, {sshd_a, "ClientAliveInterval 600"}},
         "fail yes"},
        {rhel9,
         "RHEL-09-255100",
         peer_interval,
         {{sshd, in_main + std::string("ClientAliveInterval 900")}, {sshd_a, "ClientAliveInterval 600"}},
         "fail yes"},
        {rhel9, "RHEL-09-255100", peer_interval, {{sshd, in_main}, {sshd_a, "ClientAliveInterval 600"}}, "pass yes"},
        {rhel8, "RHEL-08-010200", peer_count, {{sshd, "ClientAliveCountMax 1"}}, "pass yes"},
        {rhel8, "RHEL-08-010200", peer_count, {{sshd, "ClientAliveCountMax 0"}}, "fail no"},
        {rhel8, "RHEL-08-010200", peer_count, {{sshd, "ClientAliveCountMax 2"}}, "fail no"},
        {rhel9, "CIS sshd", peer_count, {{sshd, "ClientAliveCountMax 3"}}, "fail yes"},
        {rhel9, "CIS sshd", peer_count, {{sshd, "ClientAliveCountMax 1"}}, "pass yes"},
        {debian, "CIS sshd", peer_count, {{sshd, "ClientAliveCountMax 3"}}, "pass yes"},
        {debian, "CIS sshd", peer_count, {}, "fail yes"},
        {rhel9, "CIS sshd", peer_interval, {{sshd, "ClientAliveInterval 900"}}, "fail yes"},
        {debian, "CIS sshd", peer_interval, {{sshd, "ClientAliveInterval 300"}}, "fail yes"},
        {debian, "CIS sshd", peer_interval, {{sshd, "ClientAliveInterval 300\nClientAliveCountMax 3"}}, "pass yes"},
        {debian,
         "CIS sshd",
         ssh_sessions,
         {{sshd, in_main + std::string("MaxSessions 10")}, {sshd_a, "MaxSessions 100"}},
         "pass no"},
        {debian, "CIS sshd", ssh_sessions, {{sshd, in_main}, {sshd_a, "MaxSessions 10"}}, "fail yes"},
        {rhel9, "CIS sshd", ssh_sessions, {{sshd, in_main}, {sshd_a, "MaxSessions 10"}}, "pass yes"},
        {rhel9, "CIS sshd", ssh_sessions, {}, "fail yes"},
        {debian, "PCI DSS 8.2.8", idle_any, {{profile_sh, "readonly TMOUT=900"}}, "- yes"},
        {debian, "PCI DSS 8.2.8", idle_any, {{profile_sh, "TMOUT=900"}}, "- no"},
        {debian, "PCI DSS 8.2.8", idle_any, {{logind, "[Login]\nStopIdleSessionSec=15min"}}, "- yes"},
        {debian, "PCI DSS 8.2.8", idle_any, {{logind, "[Login]\nStopIdleSessionSec=16min"}}, "- no"},
        {debian, "BP-028 R32", idle_session, {{logind, "[Login]\nStopIdleSessionSec=600"}}, "pass yes"},
    };
    return cases;
}

SESSLIMIT_TEST(both_verdicts_on_crafted_hosts) {
    for (const Crafted& one : crafted()) {
        auto texts = one.files;
        texts["/etc/os-release"] = one.os;
        FakeFiles files(texts);
        std::string verdicts;
        for (const Finding& finding : judge(read_native(files), policy::Policy(), {}).findings) {
            if (finding.control->id == one.control && finding.control->check == one.check) {
                verdicts = told(finding);
            }
        }
        std::string about = std::string(one.control);
        for (const auto& [file, text] : one.files) {
            about += " " + file + ": " + text;
        }
        EXPECT(verdicts.starts_with(std::string(one.control) + " " + one.verdicts), about + " -> " + verdicts);
    }
}

SESSLIMIT_TEST(logind_without_terminals_of_ssh_enforces_nothing) {
    EXPECT_TEXT(found({{logind, "[Login]\nStopIdleSessionSec=600\n"}, {"/usr/lib/systemd/systemd-logind", "x"}},
                      policy::Policy(), Profile::pci),
                "PCI DSS 8.2.8 - no not-ours logind.conf:2\n");
}

SESSLIMIT_TEST(sesslimit_counts_only_for_ordinary_users_with_module_in_pam) {
    struct Case {
        const char* about;
        const char* host;
        const char* managed;
        bool ours; ///< for a limit of 15 minutes
    };
    const Case cases[] = {
        {"exactly the limit", "version = 1\n[defaults]\nidle_timeout = \"15min\"\n", "", true},
        {"longer", "version = 1\n[defaults]\nidle_timeout = \"16min\"\n", "", false},
        {"none", "", "", false},
        {"observed on the console",
         "version = 1\n[defaults]\nidle_timeout = \"15min\"\n[[rule]]\nname = \"a\"\n"
         "match.service = \"login\"\nmode = \"observe\"\n",
         "", false},
        {"observed", "version = 1\n[defaults]\nidle_timeout = \"15min\"\nmode = \"observe\"\n", "", false},
        {"a rule for some", "version = 1\n[[rule]]\nname = \"a\"\nmatch.user = \"alice\"\nidle_timeout = \"15min\"\n",
         "", false},
        {"a rule for all", "version = 1\n[[rule]]\nname = \"a\"\nmatch.uid = \"0-\"\nidle_timeout = \"15min\"\n", "",
         true},
        {"ssh only", "version = 1\n[[rule]]\nname = \"a\"\nmatch.service = \"sshd\"\nidle_timeout = \"15min\"\n", "",
         false},
        {"one user id", "version = 1\n[[rule]]\nname = \"a\"\nmatch.uid = 1000\nidle_timeout = \"15min\"\n", "", false},
        {"the managed tier", "version = 1\n[defaults]\nidle_timeout = \"1h\"\n",
         "version = 1\n[defaults]\nidle_timeout = \"5min\"\n", true},
    };
    for (const Case& one : cases) {
        const auto policy = policy_of(one.host, one.managed);
        EXPECT_TEXT(std::string(one.about) + " " + found({{"/etc/pam.d/sshd", in_pam}}, policy, Profile::pci),
                    std::string(one.about) +
                        (one.ours ? " PCI DSS 8.2.8 - yes ours\n" : " PCI DSS 8.2.8 - no not-ours\n"));
        EXPECT_TEXT(found({}, policy, Profile::pci), "PCI DSS 8.2.8 - no not-ours\n");
    }
    EXPECT_TEXT(found({{"/etc/pam.d/sshd", in_pam}}, std::nullopt, Profile::pci), "PCI DSS 8.2.8 - no not-ours\n");
}

SESSLIMIT_TEST(looser_rules_listed_unless_managed_limit_applies) {
    constexpr char rules[] = "version = 1\n[defaults]\nmax_sessions = 5\n"
                             "[[rule]]\nname = \"oncall\"\nmatch.user = \"oncall\"\nexempt = true\n"
                             "[[rule]]\nname = \"many\"\nmatch.group = \"many\"\nmax_sessions = 30\n"
                             "[[rule]]\nname = \"seven\"\nmatch.group = \"seven\"\nmax_sessions = 7\n"
                             "[[rule]]\nname = \"lazy\"\nmatch.group = \"lazy\"\nidle_timeout = \"9h\"\n"
                             "[[rule]]\nname = \"tried\"\nmatch.group = \"tried\"\nmode = \"observe\"\n";
    FakeFiles files{{"/etc/pam.d/sshd", in_pam}};
    const Native native = read_native(files);
    const auto named = [&native](const std::optional<policy::Policy>& policy) {
        std::string names;
        const Report report = judge(native, policy, Profile::stig);
        for (const Line& line : report.findings.front().exceptions) {
            names += line.text + ":" + std::to_string(line.number) + " ";
        }
        return names;
    };
    EXPECT_TEXT(named(policy_of(rules)), "oncall:4 many:8 tried:20 ");
    EXPECT_TEXT(named(policy_of(rules, "version = 1\n[defaults]\nmax_sessions = 10\n")), "");
    EXPECT_TEXT(named(policy_of("version = 1\n[defaults]\nmax_sessions = 11\n")), "");
}

std::string warned(const std::map<std::string, std::string>& texts, const std::optional<policy::Policy>& policy,
                   Profile profile = Profile::cis) {
    FakeFiles files(texts);
    files.texts["/etc/pam.d/sshd"] = std::string(in_pam) + "session optional pam_systemd.so\n";
    std::string text;
    for (const Warning& warning : judge(read_native(files), policy, profile).warnings) {
        const bool is_common = warning.what.find(" requires keepalives.") != std::string::npos;
        text += is_common ? "" : warning.what + where(warning.at) + "\n";
    }
    return text;
}

SESSLIMIT_TEST(conflicting_native_settings_cause_warnings) {
    const auto strict = policy_of(stig_policy);
    EXPECT_TEXT(warned({}, strict), "");
    EXPECT_TEXT(warned({{logind, "[Login]\nStopIdleSessionSec=600\n"}}, strict), "");
    EXPECT_TEXT(warned({{logind, "[Login]\nStopIdleSessionSec=5min\n"}}, strict),
                "logind terminates sessions after 5min without input, also during output or with programs at work, and "
                "does not warn users. For idle sessions, this overrides these settings of the policy: idle_timeout is "
                "10min. logind.conf:2\n");
    EXPECT_TEXT(
        warned({{logind, "[Login]\nStopIdleSessionSec=10min\n"}},
               policy_of("version = 1\n[defaults]\nidle_timeout = \"10min\"\nidle_activity = [\"input\", \"cpu\"]\n"
                         "on_idle = \"lock\"\nkeep = [\"tmux\"]\nwarn_before = \"1min\"\n")),
        "logind terminates sessions after 10min without input, also during output or with programs at work, and does "
        "not warn users. For idle sessions, this overrides these settings of the policy: CPU time counts as activity, "
        "idle graphical sessions are locked "
        "instead of terminated, programs in keep are preserved, users are warned first. "
        "logind.conf:2\n");
    EXPECT_TEXT(warned({{limits, "* hard maxlogins 10\n"}}, strict), "");
    EXPECT_TEXT(warned({{limits, "* hard maxlogins 5\n"}}, strict),
                "maxlogins 5: pam_limits allows each user fewer sessions than max_sessions in the policy of sesslimit. "
                "limits.conf:1\n");
    const std::pair<const std::string, std::string> pam17{"/usr/lib/x86_64-linux-gnu/security/pam_limits.so",
                                                          "sd_get_sessions"};
    EXPECT_TEXT(warned({{limits, "* hard maxlogins 11\n"}, pam17}, strict), "");
    EXPECT_TEXT(
        warned({{limits, "* hard maxlogins 10\n"}, pam17}, strict),
        "maxlogins 10: pam_limits counts the sessions of logind. These include sessions whose processes still run "
        "after the logout and, depending on the version of PAM, the user manager. It therefore denies logins "
        "before max_sessions of the policy is reached, and at_limit has no effect. Set max_sessions to at most 9. "
        "limits.conf:1\n");
    EXPECT_TEXT(
        warned({{limits, "* hard maxlogins 10\n"}}, policy_of("version = 1\n")),
        "pam_limits counts entries of utmp. It does not limit SSH sessions without a terminal. limits.conf:1\n");
    EXPECT_TEXT(warned({{limits, "* hard maxlogins 0\n"}}, strict),
                "A maxlogins limit of 0 denies every login. limits.conf:1\n");
    EXPECT_TEXT(
        warned({{logind, "[Login]\nStopIdleSessionSec=10min\n"}, {"/usr/lib/systemd/systemd-logind", "x"}}, strict),
        "logind of this host does not know the terminals of SSH sessions. Therefore StopIdleSessionSec does not "
        "terminate them, even if a scanner accepts it. Only idle_timeout in the policy of sesslimit does. "
        "logind.conf:2\n");
    EXPECT_TEXT(
        warned({{sshd, "UsePAM yes\nClientAliveInterval 15\n"}},
               policy_of("version = 1\n[defaults]\nidle_timeout_no_terminal = \"1min\"\n"), Profile::pci),
        "ClientAliveInterval 15 sends keepalives on idle connections. sesslimit cannot determine when the last data "
        "before them was sent, so that a session without a terminal may end later than idle_timeout_no_terminal "
        "(1min), after at most twice that time. sshd_config:2\n");
    EXPECT_TEXT(
        warned({}, policy_of("version = 1\n[defaults]\nidle_timeout = \"15min\"\n"), Profile::pci),
        "No scanner connects PCI DSS 8.2.8 with the policy of sesslimit. Scanners check ClientAliveInterval, "
        "ClientAliveCountMax and TMOUT for this requirement. Give the auditor the output of 'sesslimitctl audit "
        "--json=pretty'. policy.toml:3\n");
    EXPECT_TEXT(warned({{limits, "@a - maxlogins 1\n"}}, strict),
                "A maxlogins limit of 1 may prevent the start of user@.service if pam_limits counts logind sessions. "
                "limits.conf:1\n");
    EXPECT_TEXT(warned({{limits, "* hard maxlogins 10\n%a hard maxlogins 20\n* hard maxsyslogins 99\n"}}, strict),
                "pam_limits checks only one login limit for each login. Not all of the following limits are enforced. "
                "limits.conf:1 limits.conf:2 limits.conf:3\n");
    EXPECT_TEXT(warned({{"/etc/ssh/sshd_config", "ClientAliveCountMax 0\nUsePAM yes\n"}}, strict),
                "ClientAliveCountMax 0 disables the disconnection of unresponsive SSH clients. sshd_config:1\n");
    EXPECT_TEXT(warned({}, std::nullopt),
                "The policy contains errors, and the audit ignores it; run 'sesslimitctl check' to list the errors.\n");
    EXPECT_TEXT(warned({}, policy_of("version = 1\n[defaults]\nmode = \"observe\"\n")),
                "The mode of the policy is observe: sesslimit logs its decisions but does not enforce limits.\n");
    EXPECT_TEXT(warned({}, strict, Profile::stig), "");
    EXPECT_TEXT(
        warned({}, policy_of("version = 1\n[defaults]\nmax_sessions = 10\n"), Profile::stig),
        "max_sessions does not count sessions of which processes still run after the logout, such as those of "
        "mosh. If these must be counted (NIST SP 800-53 AC-10), set 'count_left_behind = true'. policy.toml:3\n");
    EXPECT_TEXT(warned({}, policy_of("version = 1\n[defaults]\nidle_timeout = \"11min\"\n"), Profile::stig),
                "Control SRG-OS-000279 requires a value of StopIdleSessionSec. "
                "For idle sessions, this value would override these settings of the policy: "
                "idle_timeout is 11min, data on the connections of a session counts as activity.\n");
    const std::string cockpit = "/etc/pam.d/cockpit";
    const std::string unobserved =
        "The idle timeout does not apply to sessions of Cockpit, because their use cannot be observed. Set IdleTimeout "
        "in the section [Session] of /etc/cockpit/cockpit.conf. cockpit:1\n";
    const auto idle = policy_of("version = 1\n[defaults]\nidle_timeout = \"10min\"\n");
    const std::string stack = std::string(in_pam) + "session optional pam_systemd.so\n";
    EXPECT_TEXT(warned({{cockpit, stack}}, idle), unobserved);
    EXPECT_TEXT(warned({{cockpit, stack}, {"/etc/cockpit/cockpit.conf", "[Session]\nIdleTimeout = 0\n"}}, idle),
                unobserved);
    EXPECT_TEXT(warned({{cockpit, stack}, {"/etc/cockpit/cockpit.conf", "[Session]\nIdleTimeout = 15\n"}}, idle), "");
    EXPECT_TEXT(warned({{cockpit, "session optional pam_systemd.so\n"}}, idle), "");
    EXPECT_TEXT(warned({{cockpit, stack}}, policy_of("version = 1\n[defaults]\nmax_sessions = 10\n")), "");
    FakeFiles nothing;
    EXPECT_TEXT(judge(read_native(nothing), policy::Policy(), {}).warnings.at(0).what,
                "No PAM service uses pam_sesslimit.so. Therefore sesslimit cannot deny any login.");
}

/// Applies all changes of a report at once, as a person would. Line numbers refer to the unchanged files.
void mend(FakeFiles& files, const std::vector<Finding>& findings) {
    std::vector<Remedy> remedies;
    for (const Finding& finding : findings) {
        for (const Remedy& remedy : finding.remedies) {
            if (std::ranges::find(remedies, remedy) == remedies.end()) {
                remedies.push_back(remedy);
            }
        }
    }
    std::map<std::string, std::string> changed;
    for (const auto& [file, text] : files.texts) {
        std::string& now = changed[file];
        host_config::for_each_line(file, text, [&](const Line& line) {
            const auto there = std::ranges::find_if(
                remedies, [&](const Remedy& one) { return one.file == file && one.line == line.number; });
            now += (there == remedies.end() ? line.text : there->lines.front()) + "\n";
        });
    }
    for (const Remedy& remedy : remedies) {
        std::string added;
        for (const std::string& line : remedy.lines) {
            added += line + "\n";
        }
        std::string& text = changed[remedy.file];
        if (remedy.line == 0) {
            text = remedy.at_top ? added + text : text + added;
        }
    }
    files.texts = changed;
}

/// Returns the findings that still need a change after the proposed changes were applied once.
std::string left_after_remedies(std::map<std::string, std::string> texts, std::optional<Profile> profile) {
    FakeFiles files(std::move(texts));
    mend(files, judge(read_native(files), policy::Policy(), profile).findings);
    std::string left;
    for (const Finding& finding : judge(read_native(files), policy::Policy(), profile).findings) {
        left += finding.needs_remedy() ? told(finding) + "; " : "";
    }
    return left;
}

SESSLIMIT_TEST(remedies_applied_once_satisfy_scanner_and_host) {
    std::vector<std::map<std::string, std::string>> hosts{
        {},
        {{sshd, "Port 22\nMatch User alice\n"}},
        {{limits, "# first\n* hard maxlogins 20\n* hard maxlogins\n"},
         {limits_a, "* hard maxlogins unlimited\n* hard maxlogins\n"},
         {logind, "[Login]\n#KillUserProcesses=no\nStopIdleSessionSec=1h\n"},
         {"/usr/lib/systemd/logind.conf.d/x.conf", "[Login]\nStopIdleSessionSec=1h\n"},
         {"/etc/profile", "umask 022\nif true; then TMOUT=0; fi\n"},
         {"/etc/profile.d/x.sh", "export A=1 TMOUT=3600\n[ -z \"$x\" ] && readonly TMOUT\n"},
         {sshd, "Include sshd_config.d/*.conf\nMaxSessions 20\nMatch User bob\n  ClientAliveInterval 0\n"},
         {sshd_a, "ClientAliveInterval=0\nClientAliveCountMax 0\nMaxSessions 10m\n"}},
    };
    for (const Crafted& one : crafted()) {
        hosts.push_back(one.files);
    }
    for (const auto& host : hosts) {
        for (const char* os : {rhel8, rhel9, "ID=rhel\nVERSION_ID=10\n", "ID=ubuntu\nVERSION_ID=22.04\n", ubuntu,
                               debian, "ID=debian\nVERSION_ID=13\n", "ID=fedora\n"}) {
            auto texts = host;
            texts["/etc/os-release"] = os;
            std::string about = os;
            for (const auto& [file, text] : host) {
                about += file + ": " + text + "\n";
            }
            for (const Profile profile : {Profile::stig, Profile::cis, Profile::anssi}) {
                EXPECT_TEXT(about + left_after_remedies(texts, profile), about);
            }
            const std::string left = left_after_remedies(texts, {});
            // The scanner rules of these systems require ClientAliveCountMax 1 for the STIG and 3 for CIS. The rule for
            // the interval includes the count.
            std::string rest;
            for (std::size_t at = 0; at < left.size(); at = left.find("; ", at) + 2) {
                const std::string one = left.substr(at, left.find("; ", at) - at);
                const bool conflicts =
                    std::string_view(os).find("rhel") == std::string_view::npos && one.starts_with("CIS sshd fail yes");
                rest += conflicts || one.starts_with("PCI DSS 8.2.8 - no") ? "" : one + "; ";
            }
            EXPECT_TEXT(about + rest, about);
        }
    }
}

SESSLIMIT_TEST(other_commands_stay_when_tmout_is_removed) {
    struct Case {
        const char* before;
        const char* after;
    };
    constexpr Case cases[] = {
        {"TMOUT=0", ":"},
        {"\tTMOUT=900; export TMOUT # none", "\t:;:"},
        {"[ -n \"$x\" ]&&TMOUT=60", "[ -n \"$x\" ]&&:"},
        {"if a; then TMOUT=0; else export TMOUT=1 B=2; fi", "if a;then :;else export B=2 ; fi"},
        {"declare -xr TMOUT=901", ":"},
    };
    for (const Case& one : cases) {
        FakeFiles files{{"/etc/profile", one.before}};
        std::string after;
        for (const Finding& finding : judge(read_native(files), policy::Policy(), Profile::cis).findings) {
            for (const Remedy& remedy : finding.remedies) {
                after += remedy.file == "/etc/profile" ? remedy.lines.front() : "";
            }
        }
        EXPECT_TEXT(after, one.after);
    }
}

SESSLIMIT_TEST(proposed_keepalives_cause_warning) {
    const auto count = [](const char* timeout) {
        FakeFiles files;
        const auto policy = policy_of(std::string("version = 1\n[defaults]\nidle_timeout_no_terminal = ") + timeout);
        return std::ranges::count_if(judge(read_native(files), policy, Profile::cis).warnings, [](const Warning& one) {
            return one.what.starts_with("Control CIS sshd requires keepalives. ClientAliveInterval 300 ");
        });
    };
    EXPECT(count("\"1h\"") == 1 && count("\"5min\"") == 0, "1h, 5min");
}

SESSLIMIT_TEST(contradicting_controls_reported) {
    const auto conflicts = [](const char* os) {
        FakeFiles files{{"/etc/os-release", os}};
        std::string text;
        for (const Warning& warning : judge(read_native(files), policy::Policy(), {}).warnings) {
            text += warning.what.starts_with("No value of") ? warning.what : "";
        }
        return text;
    };
    EXPECT_TEXT(conflicts(ubuntu),
                "No value of ClientAliveCountMax satisfies the scanner rules of both UBTU-24-600000 (1) "
                "and CIS sshd (3). The stricter value is proposed; use --profile to choose one of them.");
    EXPECT_TEXT(conflicts(rhel9), "");
}

class Root {
  public:
    Root() {
        std::string name = (fs::temp_directory_path() / "sesslimit-audit-XXXXXX").string();
        path = mkdtemp(name.data()) == nullptr ? fs::path() : fs::path(name);
    }
    Root(const Root&) = delete;
    Root& operator=(const Root&) = delete;
    ~Root() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((path / name).parent_path());
        std::ofstream(path / name) << text;
    }
    fs::path path;
};

struct Outcome {
    ctl::Exit exit;
    std::string paged;
    std::string complaints;
};

Outcome audited(const std::string& root, std::optional<Profile> profile, ctl::Json json = ctl::Json::off) {
    EverybodyIsThere names;
    FakeRemote remote;
    FakeHost host;
    remote.running.label = "system_u:system_r:initrc_t:s0";
    host.mode = ctl::Selinux::enforcing;
    FakeConsole console;
    console.look.json = json;
    const ctl::Exit exit =
        ctl::audit({.profile = profile, .root = root, .required = {}}, {names, remote, host}, console);
    return {exit, console.paged, console.complaints};
}

SESSLIMIT_TEST(audit_reads_files_below_root) {
    const Root root;
    root.write("etc/os-release", "ID=debian\nVERSION_ID=13\n");
    root.write("etc/pam.d/common-session", in_pam);
    root.write("etc/sesslimit/policy.toml", "version = 1\n[defaults]\nidle_timeout = \"15min\"\n");
    root.write("etc/profile.d/a[b].sh", "TMOUT=\x1b[31m900\nTMOUT=900\n");
    fs::create_directories(root.path / "etc/profile.d/directory");
    const Outcome pci = audited(root.path, Profile::pci);
    EXPECT_TEXT(
        pci.paged,
        "CONTROL       REQUIREMENT                      SCANNER IN FORCE SESSLIMIT EVIDENCE\n"
        "PCI DSS 8.2.8 re-authenticate after 900 s idle -       yes      yes       "
        "/etc/profile.d/a[b].sh:1: TMOUT=\\x1b[31m900\n"
        "\nWarnings:\n  No scanner connects PCI DSS 8.2.8 with the policy of sesslimit. Scanners check "
        "ClientAliveInterval, ClientAliveCountMax and TMOUT for this requirement. Give the auditor the output of "
        "'sesslimitctl audit --json=pretty'.\n      /etc/sesslimit/policy.toml:3\n"
        "\n1 of 1 control passed.\n");
    EXPECT(pci.exit == ctl::Exit::ok, "passed");
    const Outcome all = audited(root.path, {}, ctl::Json::compact);
    EXPECT(all.exit == ctl::Exit::failed, "not all passed");
    EXPECT_TEXT(document_problem("audit.json", all.paged), "");
    EXPECT(all.paged.find(R"("policy":{"file":"/etc/sesslimit/policy.toml","line":3,"text":null})") !=
               std::string::npos,
           all.paged);
    const Outcome nowhere = audited(root.path / "none", {});
    EXPECT(nowhere.exit == ctl::Exit::failed && nowhere.complaints.ends_with("No such file or directory\n"),
           nowhere.complaints);
}

SESSLIMIT_TEST(lines_added_to_one_file_printed_together) {
    const Root root;
    root.write("etc/os-release", "ID=debian\nVERSION_ID=13\n");
    const std::string paged = audited(root.path, Profile::cis).paged;
    EXPECT(paged.find("\n  /etc/ssh/sshd_config, add at the top:\n      ClientAliveInterval 300\n"
                      "      ClientAliveCountMax 3\n      MaxSessions 10\n\n") != std::string::npos,
           paged);
}

SESSLIMIT_TEST(limits_of_require_option_parsed) {
    struct Case {
        const char* text;
        const char* required;
    };
    constexpr Case cases[] = {
        {"max_sessions=10", "sessions 10"},
        {"max_sessions=0", "sessions 0"},
        {"idle_timeout=15min", "idle 900"},
        {"idle_timeout=900", "idle 900"},
        {"max_sessions=-1", ""},
        {"max_sessions=99999999999", ""},
        {"max_sessions", ""},
        {"idle_timeout=soon", ""},
        {"idle_timeout=500ms", ""},
        {"idle_timeout=99y", ""},
        {"max_duration=1h", ""},
        {"", ""},
    };
    for (const Case& one : cases) {
        const auto limit = ctl::parse_required_limit(one.text);
        const std::string kind = limit && limit->check == Check::sessions ? "sessions " : "idle ";
        EXPECT_TEXT(std::string(one.text) + " " + (limit ? kind + std::to_string(limit->value) : ""),
                    std::string(one.text) + " " + one.required);
    }
}

SESSLIMIT_TEST(required_limit_checked_with_policy_alone) {
    const Root root;
    root.write("etc/pam.d/sshd", in_pam);
    root.write("etc/hostname", "web1\n");
    root.write("etc/security/limits.conf", "* hard maxlogins 5\n");
    root.write("etc/sesslimit/policy.toml", "version = 1\n[defaults]\nmax_sessions = 9\n");
    EverybodyIsThere names;
    FakeRemote remote;
    FakeHost host;
    const auto run = [&](unsigned most) {
        FakeConsole console;
        console.look.json = ctl::Json::compact;
        const ctl::AuditRequest request{
            .profile = {}, .root = root.path, .required = ctl::RequiredLimit{Check::sessions, most}};
        const ctl::Exit exit = ctl::audit(request, {names, remote, host}, console);
        EXPECT_TEXT(document_problem("audit.json", console.paged), "");
        EXPECT(console.paged.find(R"("host":"web1")") != std::string::npos, console.paged);
        return exit;
    };
    EXPECT(run(9) == ctl::Exit::ok && run(8) == ctl::Exit::failed, "9, 8");
}

SESSLIMIT_TEST(case_B01_only_running_host_queried) {
    const std::string warning = "SELinux is enforcing and sesslimitd runs in the domain initrc_t ";
    const Root root;
    EXPECT(audited(root.path, Profile::pci).paged.find(warning) == std::string::npos, "another root");
    for (const char* running : {"/", "/etc/..", "/proc/self/root"}) {
        const Outcome outcome = audited(running, Profile::pci);
        EXPECT(outcome.paged.find("\n  " + warning) != std::string::npos, outcome.paged);
    }
    const Outcome outcome = audited("/", Profile::pci, ctl::Json::compact);
    EXPECT_TEXT(document_problem("audit.json", outcome.paged), "");
    EXPECT(outcome.paged.find("{\"what\":\"" + warning) != std::string::npos, outcome.paged);
}

SESSLIMIT_TEST(hostile_text_escaped) {
    const Root root;
    root.write("etc/ssh/sshd_config", "ClientAliveCountMax 0 \x1b]0;pwned\x07\n");
    const Outcome outcome = audited(root.path, Profile::cis);
    EXPECT(outcome.paged.find('\x1b') == std::string::npos &&
               outcome.paged.find("\\x1b]0;pwned\\x07") != std::string::npos,
           outcome.paged);
}

} // namespace
