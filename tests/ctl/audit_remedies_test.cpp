// SPDX-License-Identifier: MIT
#include "ctl/audit/audit.hpp"
#include "daemon/host_config/text.hpp"
#include "tests/ctl/audit_bench.hpp"
#include "tests/ctl/crafted_hosts.hpp"
#include "tests/ctl/fake_files.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <algorithm>
#include <map>

using namespace sesslimit;
using namespace sesslimit::audit;
using namespace sesslimit::test;

namespace {

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
    for (const CraftedControl& control : crafted_controls()) {
        for (const CraftedFiles& host : control.hosts) {
            hosts.push_back(host.files);
        }
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

} // namespace
