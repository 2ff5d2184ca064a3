// SPDX-License-Identifier: MIT
#include "tests/ctl/world.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <filesystem>

using namespace sesslimit;
using namespace sesslimit::test;
namespace fs = std::filesystem;

namespace {

/// Returns the completions that bash offers for the last of `words`, sorted and separated by blanks.
std::string offered(const World& world, const std::string& words) {
    const std::string script = "source " SESSLIMIT_SOURCE_DIR "/ctl/cli/completions/sesslimitctl.bash\n"
                               "COMP_WORDS=(" +
                               words +
                               ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                               "_sesslimitctl\nprintf '%s\\n' \"${COMPREPLY[@]}\" | sort | tr '\\n' ' '";
    auto start = world.start({"--norc", "-c", script});
    start.command = "/bin/bash";
    start.environment = {"PATH=" + fs::path(SESSLIMITCTL).parent_path().string() + ":/usr/bin:/bin"};
    const auto outcome = test::run(start);
    return outcome.err.empty() ? outcome.out : outcome.err;
}

SESSLIMIT_TEST(bash_offers_matching_completions) {
    const World world;
    struct Case {
        const char* words;
        const char* offers;
    };
    constexpr Case cases[] = {
        {"sesslimitctl ''",
         "audit check defaults edit end end-credential end-user explain fleet get list reload rules set "
         "show status unset watch "},
        {"sesslimitctl end-", "end-credential end-user "},
        {"sesslimitctl end ''", "12 20 9 "},
        {"sesslimitctl show 1", "12 "},
        {"sesslimitctl end 12 2", "20 "},
        {"sesslimitctl --no-ask end ''", "12 20 9 "},
        {"sesslimitctl --json short end-user a", "alice "},
        {"sesslimitctl end-credential ''", "SHA256:leaked "},
        {"sesslimitctl list --user b", "bob "},
        {"sesslimitctl list --js", "--json "},
        {"sesslimitctl --json ''", "off pretty short "},
        {"sesslimitctl list --json = s", "short "},
        {"sesslimitctl explain --meth", "--method "},
        {"sesslimitctl explain --method pass", "password "},
        {"sesslimitctl audit --profile p", "pci "},
        {"sesslimitctl explain roo", "root "},
        {"sesslimitctl status ''", " "},
        {"sesslimitctl set max_s", "max_sessions= max_sessions_fleet= max_sessions_total= "},
        {"sesslimitctl set on_fleet_error = ", "deny local "},
        {"sesslimitctl set max_sessions = u", "unlimited "},
        {"sesslimitctl set at_limit =", "deny end-idlest end-oldest "},
        {"sesslimitctl set at_limit = end-", "end-idlest end-oldest "},
        {"sesslimitctl set quiet = true mode = ''", "enforce observe "},
        {"sesslimitctl set max_duration = 1", "15min 1d 1d\\ 12h 1h "},
        {"sesslimitctl set idle_activity = ''",
         R"(\[\"input\"\,\"cpu\"\] \[\"input\"\,\"network\"\,\"cpu\"\] )"
         R"(\[\"input\"\,\"network\"\,\"output\"\,\"cpu\"\] \[\"input\"\,\"network\"\,\"output\"\] )"
         R"(\[\"input\"\,\"network\"\] \[\"input\"\,\"output\"\,\"cpu\"\] )"
         R"(\[\"input\"\,\"output\"\] \[\"input\"\] )"},
        {"sesslimitctl set message = ''", " "},
        {"sesslimitctl set --rule x --match user = roo", "root "},
        {"sesslimitctl set --rule x --match origin = ''", "local unix "},
        {"sesslimitctl set --match = seat = ''", "seat0 "},
        {"sesslimitctl unset quiet = ''", " "},
        {"sesslimitctl set quiet = true max_d", "max_duration= "},
        {"sesslimitctl unset idle_timeout", "idle_timeout idle_timeout_no_terminal "},
        {"sesslimitctl get --rule x idle_a", "idle_activity "},
        {"sesslimitctl set --rule x --match g", "group= "},
        {"sesslimitctl unset --rule x --match u", "uid user "},
        {"sesslimitctl set --dr", "--dry-run "},
        {"sesslimitctl fleet ''", "drain end-credential end-user forget hosts list status "},
        {"sesslimitctl fleet --socket /x end-user b", "bob "},
        {"sesslimitctl fleet end-user --timeout 5s --me", "--message "},
        {"sesslimitctl fleet list a", "alice "},
    };
    for (const Case& one : cases) {
        EXPECT_TEXT(std::string(one.words) + " -> " + offered(world, one.words),
                    std::string(one.words) + " -> " + one.offers);
    }
}

SESSLIMIT_TEST(completion_without_daemon_is_empty_and_silent) {
    World world;
    world.bus.stop();
    EXPECT_TEXT(offered(world, "sesslimitctl end ''"), " ");
}

} // namespace
