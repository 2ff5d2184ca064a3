// SPDX-License-Identifier: MIT
#include "ctl/audit/audit.hpp"
#include "ctl/commands/audit.hpp"
#include "daemon/host_config/text.hpp"
#include "tests/ctl/fake_files.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/ctl/schema.hpp"
#include "tests/unit/support/cmocka.hpp"

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

std::string told(const Finding& finding) {
    return std::string(finding.control->id) + (finding.pass ? " pass" : " fail") +
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
    EXPECT_TEXT(found({{"/etc/pam.d/common-session", in_pam}}, policy_of(stig_policy)), "SRG-OS-000027 fail ours\n"
                                                                                        "SRG-OS-000279 fail ours\n"
                                                                                        "SRG-OS-000163 fail\n"
                                                                                        "SRG-OS-000163 fail\n");
}

SESSLIMIT_TEST(native_settings_pass_without_sesslimit) {
    EXPECT_TEXT(found({{"/etc/security/limits.d/a.conf", "* hard maxlogins 10\n"},
                       {"/etc/systemd/logind.conf", "[Login]\nStopIdleSessionSec=600\n"},
                       {"/etc/ssh/sshd_config", "ClientAliveInterval 600\nClientAliveCountMax 1\n"}},
                      policy::Policy()),
                "SRG-OS-000027 pass not-ours a.conf:1\n"
                "SRG-OS-000279 pass not-ours logind.conf:2\n"
                "SRG-OS-000163 pass sshd_config:1\n"
                "SRG-OS-000163 pass sshd_config:2\n");
}

SESSLIMIT_TEST(controls_depend_on_os_release) {
    const auto of = [](const std::string& release) { return found({{"/etc/os-release", release}}, policy::Policy()); };
    EXPECT_TEXT(of("ID=rhel\nVERSION_ID=8.10\n"), "RHEL-08-020024 fail not-ours\n"
                                                  "RHEL-08-020035 fail not-ours\n"
                                                  "RHEL-08-020360 fail not-ours\n"
                                                  "RHEL-08-010201 fail\n"
                                                  "RHEL-08-010200 fail\n");
    EXPECT_TEXT(of("ID=ubuntu\nVERSION_ID=22.04\n"), "UBTU-22-412020 fail not-ours\n"
                                                     "UBTU-22-412030 fail not-ours\n"
                                                     "UBTU-22-255035 fail\n"
                                                     "UBTU-22-255030 fail\n");
    EXPECT(of("ID=ubuntu\nVERSION_ID=20.04\n").starts_with("SRG-OS-000027 "), "generic controls");
    EXPECT(of("ID=rhel\nVERSION_ID=10.0\n").starts_with("RHEL-10-"), "two digits");
}

SESSLIMIT_TEST(native_setting_passes_only_with_scanner_value) {
    const std::string rhel8 = "ID=rhel\nVERSION_ID=8\n";
    const std::string limits = "/etc/security/limits.conf";
    const std::string main = "/etc/systemd/logind.conf";
    const std::string profile = "/etc/profile.d/t.sh";
    const std::string sshd = "/etc/ssh/sshd_config";
    struct Case {
        const char* control;
        const std::string& file;
        const char* text;
        bool pass;
    };
    const Case cases[] = {
        {"RHEL-08-020024", limits, "* hard maxlogins 10", true},
        {"RHEL-08-020024", limits, "* - maxlogins 3", true},
        {"RHEL-08-020024", limits, "* hard maxlogins 11", false},
        {"RHEL-08-020024", limits, "* hard maxlogins 0", false},
        {"RHEL-08-020024", limits, "* soft maxlogins 10", false},
        {"RHEL-08-020024", limits, "@all hard maxlogins 10", false},
        {"RHEL-08-020024", limits, "* hard maxsyslogins 10", false},
        {"RHEL-08-020024", limits, "* hard maxlogins 10\n* hard maxlogins 20", false},
        {"RHEL-08-020035", main, "[Login]\nStopIdleSessionSec=600", true},
        {"RHEL-08-020035", main, "[Login]\nStopIdleSessionSec=300", false},
        {"RHEL-08-020360", profile, "TMOUT=600", true},
        {"RHEL-08-020360", profile, "TMOUT=601", false},
        {"RHEL-08-020360", profile, "TMOUT=0", false},
        {"RHEL-08-020360", profile, "TMOUT=600\nTMOUT=900", false},
        {"RHEL-08-010201", sshd, "ClientAliveInterval 600", true},
        {"RHEL-08-010201", sshd, "ClientAliveInterval 601", false},
        {"RHEL-08-010201", sshd, "ClientAliveInterval 0", false},
        {"RHEL-08-010200", sshd, "ClientAliveCountMax 1", true},
        {"RHEL-08-010200", sshd, "ClientAliveCountMax 0", false},
        {"RHEL-08-010200", sshd, "ClientAliveCountMax 2", false},
        {"CIS 5.4.3.2", profile, "TMOUT=900", false},
        {"CIS 5.4.3.2", profile, "declare -xr TMOUT=900", true},
        {"PCI DSS 8.2.8", profile, "readonly TMOUT=900", true},
        {"PCI DSS 8.2.8", profile, "TMOUT=900", false},
        {"PCI DSS 8.2.8", main, "[Login]\nStopIdleSessionSec=15min", true},
        {"PCI DSS 8.2.8", main, "[Login]\nStopIdleSessionSec=16min", false},
    };
    for (const Case& one : cases) {
        const std::string text = "\n" + found({{"/etc/os-release", rhel8}, {one.file, one.text}}, policy::Policy(), {});
        EXPECT(text.find("\n" + std::string(one.control) + (one.pass ? " pass" : " fail")) != std::string::npos,
               std::string(one.text) + text);
    }
    // A drop-in works, but that scanner does not read it.
    EXPECT(
        found({{"/etc/os-release", rhel8}, {"/etc/systemd/logind.conf.d/a.conf", "[Login]\nStopIdleSessionSec=600\n"}},
              policy::Policy())
                .find("RHEL-08-020035 fail") != std::string::npos,
        "drop-in");
}

SESSLIMIT_TEST(cis_requires_of_sshd_only_alive_messages) {
    const auto of_sshd = [](const std::string& config) {
        return found({{"/etc/ssh/sshd_config", config}}, std::nullopt, Profile::cis);
    };
    EXPECT_TEXT(of_sshd(""), "CIS 5.4.3.2 fail not-ours\nCIS sshd fail\nCIS sshd pass\nCIS sshd pass\n");
    EXPECT_TEXT(of_sshd("ClientAliveInterval 3600\nClientAliveCountMax 9\n"),
                "CIS 5.4.3.2 fail not-ours\nCIS sshd pass sshd_config:1\nCIS sshd pass sshd_config:2\nCIS sshd pass\n");
    EXPECT_TEXT(of_sshd("ClientAliveInterval 0\nClientAliveCountMax 0\n"),
                "CIS 5.4.3.2 fail not-ours\nCIS sshd fail sshd_config:1\nCIS sshd fail sshd_config:2\nCIS sshd pass\n");
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
                        (one.ours ? " PCI DSS 8.2.8 pass ours\n" : " PCI DSS 8.2.8 fail not-ours\n"));
        EXPECT_TEXT(found({}, policy, Profile::pci), "PCI DSS 8.2.8 fail not-ours\n");
    }
    EXPECT_TEXT(found({{"/etc/pam.d/sshd", in_pam}}, std::nullopt, Profile::pci), "PCI DSS 8.2.8 fail not-ours\n");
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
        text += warning.what + where(warning.at) + "\n";
    }
    return text;
}

SESSLIMIT_TEST(conflicting_native_settings_cause_warnings) {
    const std::string logind = "/etc/systemd/logind.conf";
    const std::string limits = "/etc/security/limits.conf";
    const auto strict = policy_of(stig_policy);
    EXPECT_TEXT(warned({}, strict), "");
    EXPECT_TEXT(warned({{logind, "[Login]\nStopIdleSessionSec=600\n"}}, strict), "");
    EXPECT_TEXT(warned({{logind, "[Login]\nStopIdleSessionSec=5min\n"}}, strict),
                "logind terminates sessions after 5min without input and does not warn users. For idle sessions, this "
                "overrides these settings of the policy: idle_timeout is 10min. logind.conf:2\n");
    EXPECT_TEXT(
        warned({{logind, "[Login]\nStopIdleSessionSec=10min\n"}},
               policy_of("version = 1\n[defaults]\nidle_timeout = \"10min\"\nidle_activity = [\"input\", \"cpu\"]\n"
                         "on_idle = \"lock\"\nkeep = [\"tmux\"]\nwarn_before = \"1min\"\n")),
        "logind terminates sessions after 10min without input and does not warn users. For idle sessions, this "
        "overrides these settings of the policy: CPU time counts as activity, idle graphical sessions are locked "
        "instead of terminated, programs in keep are preserved, users are warned first. "
        "logind.conf:2\n");
    EXPECT_TEXT(warned({{limits, "* hard maxlogins 10\n"}}, strict), "");
    EXPECT_TEXT(
        warned({{limits, "* hard maxlogins 5\n"}}, strict),
        "pam_limits allows each user only 5 sessions, which is less than max_sessions in the policy of sesslimit. "
        "limits.conf:1\n");
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

/// Applies a remedy of the report.
void mend(FakeFiles& files, const Remedy& remedy) {
    std::string& text = files.texts[remedy.file];
    std::string added;
    for (const std::string& line : remedy.lines) {
        added += line + "\n";
    }
    if (remedy.line == 0) {
        text = remedy.at_top ? added + text : text + added;
        return;
    }
    std::string changed;
    host_config::for_each_line(
        remedy.file, text, [&](const Line& line) { changed += line.number == remedy.line ? added : line.text + "\n"; });
    text = changed;
}

SESSLIMIT_TEST(remedies_satisfy_every_scanner) {
    const std::map<std::string, std::string> hosts[] = {
        {},
        {{"/etc/ssh/sshd_config", "Port 22\nMatch User alice\n"}},
        {{"/etc/security/limits.conf", "# first\n* hard maxlogins 20\n"},
         {"/etc/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\nStopIdleSessionSec=1h\n"},
         {"/etc/profile", "umask 022\nTMOUT=0\n"},
         {"/etc/profile.d/x.sh", "TMOUT=3600\n"},
         {"/etc/ssh/sshd_config", "Include sshd_config.d/*.conf\nMaxSessions 20\n"},
         {"/etc/ssh/sshd_config.d/a.conf", "ClientAliveInterval 0\nClientAliveCountMax 0\n"}},
    };
    const auto left_of = [](const std::map<std::string, std::string>& texts, Profile profile) {
        FakeFiles files(texts);
        std::string left;
        for (int round = 0; round < 10; ++round) {
            left.clear();
            const Report report = judge(read_native(files), policy::Policy(), profile);
            for (const Finding& finding : report.findings) {
                if (!finding.pass && left.empty()) {
                    left = told(finding);
                    mend(files, finding.remedy.value());
                }
            }
        }
        return left;
    };
    for (const auto& host : hosts) {
        for (const char* os : {"ID=rhel\nVERSION_ID=8\n", "ID=rhel\nVERSION_ID=9\n", "ID=rhel\nVERSION_ID=10\n",
                               "ID=ubuntu\nVERSION_ID=22.04\n", "ID=ubuntu\nVERSION_ID=24.04\n", "ID=debian\n"}) {
            auto texts = host;
            texts["/etc/os-release"] = os;
            EXPECT_TEXT(os + left_of(texts, Profile::stig), os);
            EXPECT_TEXT(os + left_of(texts, Profile::cis), os);
        }
    }
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
    const ctl::Exit exit = ctl::audit({.profile = profile, .root = root}, {names, remote, host}, console);
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
    EXPECT_TEXT(pci.paged,
                "CONTROL       REQUIREMENT                      RESULT SESSLIMIT EVIDENCE\n"
                "PCI DSS 8.2.8 re-authenticate after 900 s idle pass   yes       /etc/profile.d/a[b].sh:2: TMOUT=900\n"
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
