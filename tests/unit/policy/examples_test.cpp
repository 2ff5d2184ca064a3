// SPDX-License-Identifier: MIT
#include "daemon/policy/explain.hpp"
#include "daemon/policy/load.hpp"
#include "daemon/policy/resolve.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/names.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

// Loads etc/examples as an administrator would install them: together with the shipped policy, in the directory that
// each example names.

using namespace sesslimit;
namespace fs = std::filesystem;

namespace {

const fs::path etc = SESSLIMIT_SOURCE_DIR "/etc";

struct Installed {
    policy::Policy policy;
    std::string problems;
};

Installed installed(const std::string& example) {
    std::vector<policy::SourceText> texts;
    Installed installed;
    const fs::path file = etc / "examples" / (example + ".toml");
    for (const fs::path& path : {etc / "policy.toml", file}) {
        auto text = policy::read_text(path, policy::Tier::host);
        if (!text) {
            installed.problems += policy::format(text.error()) + '\n';
            continue;
        }
        const bool managed =
            text->text.find("copy it to /etc/sesslimit/managed.d/50-" + example + ".toml") != std::string::npos;
        const bool host =
            text->text.find("copy it to /etc/sesslimit/policy.d/50-" + example + ".toml") != std::string::npos;
        if (path == file && managed == host) {
            installed.problems += example + " does not name its directory\n";
        }
        text->tier = managed ? policy::Tier::managed : policy::Tier::host;
        texts.push_back(*std::move(text));
    }
    test::EveryName names;
    auto loaded = policy::load(texts, names);
    for (const policy::Problem& problem : loaded.problems) {
        installed.problems += policy::format(problem) + '\n';
    }
    installed.policy = loaded.policy.value_or(policy::Policy());
    return installed;
}

std::string limits(const policy::Policy& policy, const Login& login) {
    static const std::vector<std::string> told = {"max_sessions", "max_sessions_total",       "max_duration",
                                                  "idle_timeout", "idle_timeout_no_terminal", "idle_activity",
                                                  "on_idle"};
    std::string text;
    for (const policy::ExplainedSetting& setting : policy::explain(policy, login).settings) {
        if (std::ranges::find(told, setting.name) != told.end() && setting.from != nullptr) {
            text += (text.empty() ? "" : "; ") + setting.name + " " + setting.value;
        }
    }
    return text;
}

SESSLIMIT_TEST(all_examples_are_tested) {
    std::string names;
    std::map<std::string, int> sorted;
    for (const auto& file : fs::directory_iterator(etc / "examples")) {
        sorted[file.path().filename().native()] = 1;
    }
    for (const auto& [name, one] : sorted) {
        names += name + ' ';
    }
    EXPECT_TEXT(names, "bastion.toml compute-node.toml pci-dss.toml stig.toml workstation.toml ");
}

SESSLIMIT_TEST(each_example_sets_documented_limits) {
    const Login ssh{.user = "alice",
                    .uid = 1000,
                    .gids = {1000},
                    .service = "sshd",
                    .tty = "ssh",
                    .rhost = "192.0.2.7",
                    .ruser = "",
                    .credential = {.method = "publickey", .fingerprint = ""},
                    .connection = ""};
    Login password = ssh;
    password.credential.method = "password";
    Login console = ssh;
    console.service = "login";
    console.tty = "tty1";
    console.rhost.clear();
    console.credential = {};
    struct Case {
        const char* example;
        const Login& login;
        const char* limits;
    };
    const Case cases[] = {
        {"workstation", ssh,
         "max_sessions 8; idle_timeout 4h; idle_timeout_no_terminal unlimited; idle_activity [input, network, output, "
         "cpu]; "
         "on_idle lock"},
        {"workstation", console, "idle_timeout 20min; idle_timeout_no_terminal 20min; on_idle lock"},
        {"bastion", ssh, "max_sessions 2; max_duration 10h; idle_timeout 15min; idle_timeout_no_terminal 5min"},
        {"bastion", password, "max_sessions 1; max_duration 1h; idle_timeout 15min; idle_timeout_no_terminal 5min"},
        {"bastion", console,
         "max_sessions unlimited; max_duration unlimited; idle_timeout 15min; idle_timeout_no_terminal 5min"},
        {"compute-node", ssh,
         "max_sessions 6; max_sessions_total 200; idle_timeout 12h; idle_timeout_no_terminal 12h; idle_activity "
         "[input, network, output, cpu]"},
        {"stig", ssh,
         "max_sessions 10; idle_timeout 10min; idle_timeout_no_terminal 10min; idle_activity [input]; on_idle end"},
        {"stig", console,
         "max_sessions 10; idle_timeout 10min; idle_timeout_no_terminal 10min; idle_activity [input]; on_idle end"},
        {"pci-dss", ssh, "idle_timeout 15min; idle_timeout_no_terminal 15min; on_idle lock"},
    };
    for (const Case& one : cases) {
        const Installed policy = installed(one.example);
        EXPECT_TEXT(policy.problems, "");
        EXPECT_TEXT(std::string(one.example) + ": " + limits(policy.policy, one.login),
                    std::string(one.example) + ": " + one.limits);
    }
}

SESSLIMIT_TEST(host_tier_examples_leave_root_unlimited) {
    const Login root{.user = "root",
                     .uid = 0,
                     .gids = {0},
                     .service = "sshd",
                     .tty = "ssh",
                     .rhost = "192.0.2.7",
                     .ruser = "",
                     .credential = {},
                     .connection = ""};
    for (const char* example : {"workstation", "bastion", "compute-node"}) {
        EXPECT_TEXT(std::string(example) + limits(installed(example).policy, root), example);
    }
}

} // namespace
