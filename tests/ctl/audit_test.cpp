// SPDX-License-Identifier: MIT
#include "ctl/audit/audit.hpp"
#include "tests/ctl/audit_bench.hpp"
#include "tests/ctl/crafted_hosts.hpp"
#include "tests/ctl/fake_files.hpp"
#include "tests/unit/support/cmocka.hpp"

using namespace sesslimit;
using namespace sesslimit::audit;
using namespace sesslimit::test;

namespace {

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

SESSLIMIT_TEST(both_verdicts_on_crafted_hosts) {
    for (const CraftedControl& control : crafted_controls()) {
        for (const CraftedFiles& host : control.hosts) {
            auto texts = host.files;
            texts["/etc/os-release"] = control.os;
            FakeFiles files(texts);
            std::string verdicts;
            for (const Finding& finding : judge(read_native(files), policy::Policy(), {}).findings) {
                if (finding.control->id == control.id && finding.control->check == control.check) {
                    verdicts = told(finding);
                }
            }
            std::string about = control.id;
            for (const auto& [file, text] : host.files) {
                about += " " + file + ": " + text;
            }
            EXPECT(verdicts.starts_with(std::string(control.id) + " " + host.verdicts), about + " -> " + verdicts);
        }
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

SESSLIMIT_TEST(policy_in_force_only_if_daemon_has_loaded_it) {
    FakeFiles files{{"/etc/pam.d/sshd", std::string(in_pam) + "session optional pam_systemd.so\n"}};
    Native native = read_native(files);
    const auto text_of = [&native](const char* policy) {
        const Report report = judge(native, policy_of(policy), Profile::pci);
        return told(report.findings.front()) + "; " + report.warnings.front().what;
    };
    constexpr char policy[] = "version = 1\n[defaults]\nidle_timeout = \"15min\"\n";
    EXPECT(text_of(policy).starts_with("PCI DSS 8.2.8 - yes ours; No scanner connects "), text_of(policy));
    native.in_effect = PolicyInEffect::other;
    EXPECT_TEXT(text_of(policy), "PCI DSS 8.2.8 - no not-ours; The policy files differ from those that sesslimitd has "
                                 "loaded. Therefore their limits are not in force; run 'sesslimitctl reload'.");
    EXPECT(text_of("version = ").starts_with("PCI DSS 8.2.8 - no not-ours; The policy contains errors"), "errors");
    native.in_effect = PolicyInEffect::none;
    EXPECT_TEXT(text_of(policy), "PCI DSS 8.2.8 - no not-ours; sesslimitd is not running or has no policy. Therefore "
                                 "sesslimit enforces no limits.");
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

} // namespace
