// SPDX-License-Identifier: MIT
#include "ctl/audit/native.hpp"
#include "tests/ctl/fake_files.hpp"
#include "tests/unit/support/cmocka.hpp"

using namespace sesslimit;
using namespace sesslimit::audit;
using namespace sesslimit::test;

namespace {

std::string place(const Line& line) {
    return line.file + ":" + std::to_string(line.number);
}

std::string seconds(const std::optional<Found<Duration>>& found) {
    return found
               ? std::to_string(std::chrono::floor<std::chrono::seconds>(found->value).count()) + " " + place(found->at)
               : "off";
}

std::string in_effect(const std::vector<SshdValue>& values) {
    const SshdValue* found = applying(values);
    return found != nullptr ? std::to_string(*found->value) + " " + place(found->at) : "default";
}

std::string scanned(const std::vector<Scanned>& values) {
    std::string text;
    for (const Scanned& one : values) {
        text += one.value + "@" + std::to_string(one.at.number) + " ";
    }
    return text;
}

SESSLIMIT_TEST(login_limits_read_in_order_of_pam_limits) {
    FakeFiles files{{"/etc/security/limits.conf", "# * hard maxlogins 3\n"
                                                  "* hard maxlogins 9 # nine\n"
                                                  "@students\t-\tmaxlogins\t4\n"
                                                  "* hard nproc 100\n"
                                                  "* hard maxlogins\n"
                                                  "* hard maxlogins many"},
                    {"/etc/security/limits.d/20.conf", "* soft maxsyslogins 50\nalice - # none\n* -\nbob hard\n"},
                    {"/etc/security/limits.d/10.conf", "* hard maxlogins -1\n"},
                    {"/etc/security/limits.d/30", "* hard maxlogins 1\n"}};
    std::string found;
    for (const LoginLimit& limit : read_native(files).login_limits) {
        found += limit.domain + " " + limit.type + " " + limit.item + " " +
                 (limit.most ? std::to_string(*limit.most) : "-") + " " + place(limit.at) + "\n";
    }
    EXPECT_TEXT(found, "* hard maxlogins 9 /etc/security/limits.conf:2\n"
                       "@students - maxlogins 4 /etc/security/limits.conf:3\n"
                       "* hard maxlogins - /etc/security/limits.conf:6\n"
                       "* hard maxlogins - /etc/security/limits.d/10.conf:1\n"
                       "* soft maxsyslogins 50 /etc/security/limits.d/20.conf:1\n"
                       "alice -  - /etc/security/limits.d/20.conf:2\n");
}

SESSLIMIT_TEST(stop_idle_session_resolved_as_in_systemd) {
    const std::string main = "/etc/systemd/logind.conf";
    const std::string drop_ins = "/systemd/logind.conf.d/";
    struct Case {
        const char* about;
        std::map<std::string, std::string> files;
        std::string effective;
        std::string main; ///< as the scanner finds it in the main file
    };
    const Case cases[] = {
        {"nothing", {}, "off", ""},
        {"set", {{main, "[Login]\nStopIdleSessionSec=10min\n"}}, "600 " + main + ":2", "10min@2 "},
        {"blanks", {{main, " [Login] \r\n StopIdleSessionSec = 600 \r\n"}}, "600 " + main + ":2", "600@2 "},
        {"commented", {{main, "[Login]\n#StopIdleSessionSec=600\n"}}, "off", ""},
        {"in another section", {{main, "[Manager]\nStopIdleSessionSec=600\n"}}, "off", ""},
        {"an invalid value keeps the previous one",
         {{main, "[Login]\nStopIdleSessionSec=600\nStopIdleSessionSec=soon\n"}},
         "600 " + main + ":2",
         "soon@3 "},
        {"infinity", {{main, "[Login]\nStopIdleSessionSec=600\nStopIdleSessionSec=infinity\n"}}, "off", "infinity@3 "},
        {"two sections",
         {{main, "[Login]\nStopIdleSessionSec=1\n[x]\n[Login]\nStopIdleSessionSec=600 # s\n"}},
         "1 " + main + ":2",
         "1@2 600@5 "},
        {"reset by an empty value",
         {{main, "[Login]\nStopIdleSessionSec=600\n"},
          {"/etc" + drop_ins + "a.conf", "[Login]\nStopIdleSessionSec=\n"}},
         "off",
         "600@2 "},
        {"the later drop-in",
         {{main, "[Login]\nStopIdleSessionSec=1\n"},
          {"/usr/lib" + drop_ins + "20.conf", "[Login]\nStopIdleSessionSec=20\n"},
          {"/etc" + drop_ins + "10.conf", "[Login]\nStopIdleSessionSec=10\n"}},
         "20 /usr/lib" + drop_ins + "20.conf:2",
         "1@2 "},
        {"a drop-in hides one of the same name",
         {{"/usr/lib" + drop_ins + "20.conf", "[Login]\nStopIdleSessionSec=20\n"}, {"/etc" + drop_ins + "20.conf", ""}},
         "off",
         ""},
        {"the vendor's main file, if there is no other",
         {{"/usr/lib/systemd/logind.conf", "[Login]\nStopIdleSessionSec=30\n"}},
         "30 /usr/lib/systemd/logind.conf:2",
         ""},
        {"the vendor's main file is hidden by another",
         {{main, "[Login]\n"}, {"/usr/lib/systemd/logind.conf", "[Login]\nStopIdleSessionSec=30\n"}},
         "off",
         ""},
    };
    for (const Case& one : cases) {
        FakeFiles files(one.files);
        const Native native = read_native(files);
        EXPECT_TEXT(std::string(one.about) + ": " + seconds(native.stop_idle) + ", " +
                        scanned(native.scan.stop_idle.main),
                    std::string(one.about) + ": " + one.effective + ", " + one.main);
    }
}

SESSLIMIT_TEST(shell_timeout_in_effect_found_in_start_up_files) {
    struct Case {
        const char* text;
        const char* found; ///< seconds, line, r: readonly
    };
    const Case cases[] = {
        {"TMOUT=600\n", "600@1 "},
        {"# TMOUT=600\n", ""},
        {"x=1 # TMOUT=600\n", ""},
        {"MYTMOUT=600\nTMOUTS=5\n", ""},
        {"declare -xr TMOUT=600", "600@1r "},
        {"typeset -r TMOUT='900'", "900@1r "},
        {"declare -x A; TMOUT=1", "1@1 "},
        {"TMOUT=900\nreadonly TMOUT\nexport TMOUT\n", "900@1r "},
        {"readonly TMOUT=900 ; export TMOUT", "900@1r "},
        {"readonly A; TMOUT=5;export B", "5@1 "},
        {"\tTMOUT=0\n\n  TMOUT=600", "0@1 600@3 "},
        {"[ -n \"$x\" ]&&TMOUT=60", "60@1 "},
        {"TMOUT=$x\nTMOUT=\nTMOUT=99999999999999999999\n", "?@1 ?@2 ?@3 "},
    };
    for (const Case& one : cases) {
        FakeFiles files{{"/etc/profile.d/a.sh", one.text}};
        std::string found;
        for (const ShellTimeout& timeout : read_native(files).shell_timeouts) {
            found += (timeout.seconds ? std::to_string(*timeout.seconds) : "?") + "@" +
                     std::to_string(timeout.at.number) + (timeout.fixed ? "r" : "") + " ";
        }
        EXPECT_TEXT(std::string(one.text) + " -> " + found, std::string(one.text) + " -> " + one.found);
    }
    FakeFiles files{{"/etc/profile", "TMOUT=1\n"},         {"/etc/bash.bashrc", "TMOUT=2\n"},
                    {"/etc/bashrc", "TMOUT=3\n"},          {"/etc/profile.d/a.sh", "TMOUT=4\n"},
                    {"/etc/profile.d/b.csh", "TMOUT=5\n"}, {"/etc/profile.d/c", "TMOUT=6\n"}};
    EXPECT(read_native(files).shell_timeouts.size() == 4, "only in files that shells read");
}

SESSLIMIT_TEST(first_sshd_value_wins_across_includes) {
    const std::string main = "/etc/ssh/sshd_config";
    const std::string more = "/etc/ssh/sshd_config.d/";
    struct Case {
        const char* about;
        std::map<std::string, std::string> files;
        std::string interval;
        std::string count;
    };
    const Case cases[] = {
        {"nothing", {}, "default", "default"},
        {"set", {{main, "ClientAliveInterval 10m\nclientalivecountmax=0\n"}}, "600 " + main + ":1", "0 " + main + ":2"},
        {"comments",
         {{main, "#ClientAliveInterval 1\nClientAliveInterval \"5\" # five\nClientAliveCountMax = 2\n"}},
         "5 " + main + ":2",
         "2 " + main + ":3"},
        {"the first value wins",
         {{main, "ClientAliveInterval 1\nClientAliveInterval 2\n"}},
         "1 " + main + ":1",
         "default"},
        {"an include before the setting",
         {{main, "Include /etc/ssh/sshd_config.d/*.conf\nClientAliveInterval 1\n"},
          {more + "b.conf", "ClientAliveInterval 3\nClientAliveCountMax 3\n"},
          {more + "a.conf", "ClientAliveInterval 2\n"}},
         "2 " + more + "a.conf:1",
         "3 " + more + "b.conf:2"},
        {"an include after the setting, relative to /etc/ssh",
         {{main, "ClientAliveInterval 1\nInclude sshd_config.d/*.conf"},
          {more + "a.conf", "ClientAliveInterval 2\nClientAliveCountMax 3\n"}},
         "1 " + main + ":1",
         "3 " + more + "a.conf:2"},
        {"inside a match block",
         {{main, "Match User alice\nClientAliveInterval 1\nInclude sshd_config.d/*\n"},
          {more + "a.conf", "ClientAliveInterval 2"}},
         "default",
         "default"},
        {"after match all",
         {{main, "Match User alice\nClientAliveInterval 1\nMatch all\nClientAliveInterval 2\n"}},
         "2 " + main + ":4",
         "default"},
        {"a match ends with its file",
         {{main, "Include sshd_config.d/*\nClientAliveInterval 1\n"}, {more + "a.conf", "Match Group x\n"}},
         "1 " + main + ":2",
         "default"},
        {"a file that includes itself",
         {{main, "Include /etc/ssh/sshd_config\nClientAliveInterval 1\n"}},
         "1 " + main + ":2",
         "default"},
        {"invalid values",
         {{main, "ClientAliveInterval soon\nClientAliveCountMax\nClientAliveCountMax x\n"}},
         "default",
         "default"},
    };
    for (const Case& one : cases) {
        FakeFiles files(one.files);
        const Native native = read_native(files);
        EXPECT_TEXT(std::string(one.about) + ": " + in_effect(native.alive_interval) + ", " +
                        in_effect(native.alive_count),
                    std::string(one.about) + ": " + one.interval + ", " + one.count);
    }
}

SESSLIMIT_TEST(values_in_match_blocks_marked) {
    FakeFiles files{{"/etc/ssh/sshd_config",
                     "MaxSessions 1\nMatch User alice\n MaxSessions 2\nInclude sshd_config.d/*\n"
                     "Match all\nMaxSessions 4\n"},
                    {"/etc/ssh/sshd_config.d/a.conf", "MaxSessions 3\nMatch all\nMaxSessions 5\n"}};
    std::string found;
    for (const SshdValue& value : read_native(files).ssh_sessions) {
        found += std::to_string(value.value.value_or(0)) + (value.scope != SshdScope::match_some ? " " : "m ");
    }
    EXPECT_TEXT(found, "1 2m 3m 5m 4 ");
}

// The expected values are those of `oscap xccdf eval` with ComplianceAsCode 0.1.76, which tests/run scap compares.
SESSLIMIT_TEST(scanner_finds_only_its_own_notations) {
    struct Case {
        const char* file;
        const char* text;
        const char* found;
    };
    constexpr Case cases[] = {
        {"/etc/security/limits.conf", "*\thard maxlogins 10\n * - maxlogins 20 \n", "10@1 20@2 "},
        {"/etc/security/limits.conf", "* hard maxlogins 10 # why\n", ""},
        {"/etc/security/limits.conf", "* soft maxlogins 10\nroot hard maxlogins 10\n#* hard maxlogins 1\n", ""},
        {"/etc/security/limits.conf", "* hard maxlogins -1\n* hard maxlogins unlimited\n", ""},
        {"/etc/profile", "declare -xr TMOUT=600; x=1\n\ttypeset -xr TMOUT=$x\n", "600@1 $x@2 "},
        {"/etc/profile.d/a.sh", "declare -rx TMOUT=600\ndeclare -xr TMOUT='600'\nreadonly TMOUT=600\n", ""},
        {"/etc/profile.d/a", "declare -xr TMOUT=600\n", ""},
        {"/etc/bash.bashrc", "declare -xr TMOUT=600\n", ""},
        {"/etc/bash.bashrc", " TMOUT=600\n\n  readonly TMOUT \n  export TMOUT\n", "600@1 "},
        {"/etc/profile", "TMOUT=600\nexport TMOUT\nreadonly TMOUT\n", ""},
        {"/etc/profile", "TMOUT=600\n# why\nreadonly TMOUT\nexport TMOUT\n", ""},
        {"/etc/profile", "TMOUT=600\nTMOUT=900\nreadonly TMOUT\nexport TMOUT\n", "900@2 "},
        {"/etc/profile", "TMOUT=600; readonly TMOUT; export TMOUT\nexport TMOUT=600\n", ""},
        {"/etc/ssh/sshd_config", "Match all\n clientaliveinterval 600#x\nClientAliveInterval\t5 # y\n", "600@2 5@3 "},
        {"/etc/ssh/sshd_config", "ClientAliveInterval=5\nClientAliveInterval 10m\nClientAliveInterval \"5\"\n", ""},
        {"/etc/ssh/sshd_config.d/a.conf", "ClientAliveInterval 5\nClientAliveInterval 6\n", "5@1 "},
        {"/etc/ssh/sshd_config", "ClientAliveCountMax = 3\nClientAliveCountMax x # y\n", "= 3@1 x@2 "},
        {"/etc/ssh/sshd_config", "MaxSessions x\nMaxSessionsX 1\n", ""},
        {"/etc/ssh/sshd_config.d/a.conf", "MaxSessions x\n", "x@1 "},
        {"/etc/ssh/sshd_config.d/a", "MaxSessions 1\n", ""},
    };
    for (const Case& one : cases) {
        FakeFiles files{{one.file, one.text}};
        const Scan scan = read_native(files).scan;
        std::string found;
        for (const ScannedFiles* each :
             {&scan.login_limits, &scan.stop_idle, &scan.alive_interval, &scan.alive_count, &scan.ssh_sessions}) {
            found += scanned(each->main) + scanned(each->drop_ins);
        }
        found += scanned(scan.declared_tmout) + scanned(scan.assigned_tmout);
        EXPECT_TEXT(std::string(one.text) + " -> " + found, std::string(one.text) + " -> " + one.found);
    }
}

SESSLIMIT_TEST(builds_of_pam_limits_and_logind_recognized) {
    FakeFiles old{{"/usr/lib/systemd/systemd-logind", "/var/run/utmp"},
                  {"/usr/lib/x86_64-linux-gnu/security/pam_limits.so", "x"}};
    FakeFiles recent{{"/usr/lib/systemd/systemd-logind", "x"},
                     {"/usr/lib64/security/pam_limits.so", "sd_get_sessions"}};
    FakeFiles none;
    const auto told = [](FakeFiles& files) {
        const Native native = read_native(files);
        return std::string(native.login_count == LoginCount::utmp ? "utmp" : "logind") +
               (native.logind_sees_ssh_idle ? " ssh" : " no-ssh");
    };
    EXPECT_TEXT(told(old) + ", " + told(recent) + ", " + told(none), "utmp ssh, logind no-ssh, utmp ssh");
}

SESSLIMIT_TEST(case_B11_sshd_without_pam_found) {
    const std::string main = "/etc/ssh/sshd_config";
    const std::string more = "/etc/ssh/sshd_config.d/a.conf";
    struct Case {
        const char* about;
        std::map<std::string, std::string> files;
        std::string at;
    };
    const Case cases[] = {
        {"no sshd", {}, "uses PAM"},
        {"no sshd, but a snippet", {{more, "UsePAM no\n"}}, "uses PAM"},
        {"the default of OpenSSH", {{main, "Port 22\n"}}, main + ":0"},
        {"as in Debian", {{main, "Include sshd_config.d/*.conf\nUsePAM yes\n"}}, "uses PAM"},
        {"other spelling", {{main, "usepam=\"YES\"\n"}}, "uses PAM"},
        {"off", {{main, "# PAM\nUsePAM no\nUsePAM yes\n"}}, main + ":2"},
        {"off in a snippet",
         {{main, "Include sshd_config.d/*.conf\nUsePAM yes\n"}, {more, "UsePAM no\n"}},
         more + ":1"},
        {"on in a snippet", {{main, "Include sshd_config.d/*.conf\nUsePAM no\n"}, {more, "UsePAM yes\n"}}, "uses PAM"},
        {"only in a match block", {{main, "Match all\nUsePAM yes\n"}}, "uses PAM"},
    };
    for (const Case& one : cases) {
        FakeFiles files(one.files);
        const auto at = read_native(files).sshd_without_pam;
        EXPECT_TEXT(std::string(one.about) + ": " + (at ? place(*at) : "uses PAM"),
                    std::string(one.about) + ": " + one.at);
    }
    for (const std::string& unread : {main, more}) {
        FakeFiles files{{main, "Include sshd_config.d/*.conf\n"}};
        files.unreadable[unread] = "Permission denied";
        EXPECT(!read_native(files).sshd_without_pam, unread);
    }
}

SESSLIMIT_TEST(os_named_as_in_its_stig) {
    struct Case {
        const char* text;
        const char* os;
    };
    const Case cases[] = {
        {"ID=debian\nVERSION_ID=\"12\"\n", "debian 12"},
        {"ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID='9.4'\n", "rhel 9.4"},
        {"ID=fedora\nVERSION_ID=42\n", "fedora 42"},
        {"MY_ID=x\nID=ubuntu\nVERSION_ID=\"24.04\"", "ubuntu 24.04"},
        {"", " "},
    };
    for (const Case& one : cases) {
        FakeFiles files{{"/etc/os-release", one.text}};
        const Native native = read_native(files);
        EXPECT_TEXT(native.os + " " + native.version, one.os);
    }
}

SESSLIMIT_TEST(module_found_only_in_session_stacks) {
    FakeFiles files{{"/etc/pam.d/common-session", "#session requisite pam_sesslimit.so\n"
                                                  "session\trequisite\tpam_sesslimit.so quiet # ours\n"
                                                  "session optional pam_systemd.so # not pam_sesslimit.so\n"},
                    {"/etc/pam.d/sshd", "-session required /usr/lib/security/pam_sesslimit.so\n"},
                    {"/etc/pam.d/other", "auth required pam_sesslimit.so\n"}};
    std::string found;
    for (const Line& line : read_native(files).module) {
        found += place(line) + " ";
    }
    EXPECT_TEXT(found, "/etc/pam.d/common-session:2 /etc/pam.d/sshd:1 ");
}

SESSLIMIT_TEST(unreadable_file_listed_once) {
    FakeFiles files;
    files.unreadable["/etc/ssh/sshd_config"] = "Permission denied";
    files.unreadable["/etc/os-release"] = "Permission denied";
    std::string found;
    for (const TextFile& file : read_native(files).unread) {
        found += file.path + " " + file.error + "; ";
    }
    EXPECT_TEXT(found, "/etc/os-release Permission denied; /etc/ssh/sshd_config Permission denied; ");
}

} // namespace
