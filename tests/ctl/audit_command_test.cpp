// SPDX-License-Identifier: MIT
#include "ctl/commands/audit.hpp"
#include "daemon/policy/load.hpp"
#include "tests/ctl/audit_bench.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/ctl/schema.hpp"
#include "tests/ctl/temporary_directory.hpp"
#include "tests/unit/support/cmocka.hpp"

using namespace sesslimit;
using namespace sesslimit::audit;
using namespace sesslimit::test;
namespace fs = std::filesystem;

namespace {

struct Outcome {
    ctl::Exit exit;
    std::string paged;
    std::string complaints;
};

Outcome audited(const std::string& root, std::optional<Profile> profile, ctl::Json json = ctl::Json::off) {
    EveryName names;
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
    const TemporaryDirectory root;
    root.write("etc/os-release", "ID=debian\nVERSION_ID=13\n");
    root.write("etc/pam.d/common-session", in_pam);
    root.write("etc/sesslimit/policy.toml", "version = 1\n[defaults]\nidle_timeout = \"15min\"\n");
    root.write("etc/profile.d/a[b].sh", "TMOUT=\x1b[31m900\nTMOUT=900\n");
    fs::create_directories(root.path() / "etc/profile.d/directory");
    const Outcome pci = audited(root.path(), Profile::pci);
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
    const Outcome all = audited(root.path(), {}, ctl::Json::compact);
    EXPECT(all.exit == ctl::Exit::failed, "not all passed");
    EXPECT_TEXT(document_problem("audit.json", all.paged), "");
    EXPECT(all.paged.find(R"("policy":{"file":"/etc/sesslimit/policy.toml","line":3,"text":null})") !=
               std::string::npos,
           all.paged);
    const Outcome nowhere = audited(root.path() / "none", {});
    EXPECT(nowhere.exit == ctl::Exit::failed && nowhere.complaints.ends_with("No such file or directory\n"),
           nowhere.complaints);
}

/// The sums are those of sha256sum(1).
SESSLIMIT_TEST(json_is_evidence) {
    const TemporaryDirectory root;
    root.write("etc/hostname", "web1\n");
    root.write("etc/os-release", "ID=debian\nVERSION_ID=13\n");
    root.write("etc/sesslimit/policy.toml", "version = 1\n[defaults]\nidle_timeout = \"15min\"\n");
    const std::string expected =
        R"({"host":"web1","time":"2026-11-23T14:00:00Z","sesslimit_version":")" SESSLIMIT_VERSION
        R"(","os":"debian","version":"13","policy":{"valid":true,)"
        R"("sha256":"3a3fc116ffe568d1eedc42197e9711acecc69d48000f015da016404b1d7fcc12",)"
        R"("files":[{"file":"/etc/sesslimit/policy.toml",)"
        R"("sha256":"ec128dbb5504f3d7bf0f3ac3c0d2b09d153acf7bc0693c4b22eceae9be25da5f"}]},"daemon":null,)"
        R"("findings":[{"control":"CIS 5.4.3.2","profile":"cis","asks":"idle shells exit within 900 s, readonly",)"
        R"-("rule":"accounts_tmout","cci":["CCI-000057","CCI-001133"],"nist":["AC-2(5)","AC-12","SC-10"],)-";
    EXPECT_TEXT(audited(root.path(), Profile::cis, ctl::Json::compact).paged.substr(0, expected.size()), expected);
    const std::string running = audited("/", Profile::cis, ctl::Json::compact).paged;
    EXPECT(running.find(R"("daemon":{"running":true,"version":)") != std::string::npos, running);
}

SESSLIMIT_TEST(lines_added_to_one_file_printed_together) {
    const TemporaryDirectory root;
    root.write("etc/os-release", "ID=debian\nVERSION_ID=13\n");
    const std::string paged = audited(root.path(), Profile::cis).paged;
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
    const TemporaryDirectory root;
    root.write("etc/pam.d/sshd", in_pam);
    root.write("etc/hostname", "web1\n");
    root.write("etc/security/limits.conf", "* hard maxlogins 5\n");
    root.write("etc/sesslimit/policy.toml", "version = 1\n[defaults]\nmax_sessions = 9\n");
    EveryName names;
    FakeRemote remote;
    FakeHost host;
    const auto run = [&](unsigned most) {
        FakeConsole console;
        console.look.json = ctl::Json::compact;
        const ctl::AuditRequest request{
            .profile = {}, .root = root.path(), .required = ctl::RequiredLimit{Check::sessions, most}};
        const ctl::Exit exit = ctl::audit(request, {names, remote, host}, console);
        EXPECT_TEXT(document_problem("audit.json", console.paged), "");
        EXPECT(console.paged.find(R"("host":"web1")") != std::string::npos, console.paged);
        return exit;
    };
    EXPECT(run(9) == ctl::Exit::ok && run(8) == ctl::Exit::failed, "9, 8");
}

SESSLIMIT_TEST(case_B01_only_running_host_queried) {
    const std::string warning = "SELinux is enforcing and sesslimitd runs in the domain initrc_t ";
    const TemporaryDirectory root;
    EXPECT(audited(root.path(), Profile::pci).paged.find(warning) == std::string::npos, "another root");
    for (const char* running : {"/", "/etc/..", "/proc/self/root"}) {
        const Outcome outcome = audited(running, Profile::pci);
        EXPECT(outcome.paged.find("\n  " + warning) != std::string::npos, outcome.paged);
    }
    const Outcome outcome = audited("/", Profile::pci, ctl::Json::compact);
    EXPECT_TEXT(document_problem("audit.json", outcome.paged), "");
    EXPECT(outcome.paged.find("{\"what\":\"" + warning) != std::string::npos, outcome.paged);
}

SESSLIMIT_TEST(policy_of_running_daemon_compared_with_files) {
    const std::string digest = policy::digest(policy::read_texts("/etc/sesslimit").texts);
    const auto has_warning = [](const std::string& loaded, const std::string& root) {
        EveryName names;
        FakeRemote remote;
        FakeHost host;
        FakeConsole console;
        remote.state.policy_digest = loaded;
        (void)ctl::audit({.profile = Profile::pci, .root = root, .required = {}}, {names, remote, host}, console);
        return console.paged.find("\n  The policy files differ from those that sesslimitd has loaded.") !=
               std::string::npos;
    };
    for (const char* root : {"/", "/etc/..", "/proc/self/root"}) {
        EXPECT(!has_warning(digest, root) && !has_warning("", root), root);
        EXPECT(has_warning("another", root), root);
    }
    EXPECT(!has_warning("another", TemporaryDirectory().path()), "another root");
}

SESSLIMIT_TEST(hostile_text_escaped) {
    const TemporaryDirectory root;
    root.write("etc/ssh/sshd_config", "ClientAliveCountMax 0 \x1b]0;pwned\x07\n");
    const Outcome outcome = audited(root.path(), Profile::cis);
    EXPECT(outcome.paged.find('\x1b') == std::string::npos &&
               outcome.paged.find("\\x1b]0;pwned\\x07") != std::string::npos,
           outcome.paged);
}

} // namespace
