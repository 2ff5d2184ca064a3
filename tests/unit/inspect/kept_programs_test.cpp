// SPDX-License-Identifier: MIT
#include "daemon/inspect/kept_programs.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/descriptors.hpp"
#include "tests/unit/support/proc_tree.hpp"

#include <algorithm>
#include <iterator>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using inspect::Process;

std::string pids(const std::vector<Process>& processes) {
    std::vector<pid_t> sorted;
    std::ranges::transform(processes, std::back_inserter(sorted), &Process::pid);
    std::ranges::sort(sorted);
    std::string text;
    for (const pid_t pid : sorted) {
        text += std::to_string(pid) + " ";
    }
    return text;
}

SESSLIMIT_TEST(servers_distinguished_from_clients) {
    struct Case {
        const char* name;
        Process process;
        bool server;
    };
    const std::vector<std::string> more{"tmux", "screen", "zellij", "a-very-long-nam"};
    const Case cases[] = {
        {"tmux", {114, 1, 114, 0, "tmux: server"}, true},
        {"screen -dmS", {122, 1, 122, 0, "screen"}, true},
        {"its client still runs", {137, 136, 137, 0, "screen"}, true},
        {"tmux attach", {20, 11, 11, 0x8801, "tmux: client"}, false},
        {"screen -r", {136, 109, 109, 0x8801, "screen"}, false},
        {"screen -r, orphaned by its shell", {136, 1, 109, 0, "screen"}, false},
        {"with its own terminal", {136, 1, 136, 0x8801, "screen"}, false},
        {"setsid sleep", {125, 1, 125, 0, "sleep"}, false},
        {"a longer name", {125, 1, 125, 0, "screensaver"}, false},
        {"a shorter name", {125, 1, 125, 0, "tmu"}, false},
        {"no name", {125, 1, 125, 0, ""}, false},
        {"another program", {125, 1, 125, 0, "zellij"}, true},
        {"a name of 15 bytes", {125, 1, 125, 0, "a-very-long-nam"}, true},
        {"another name with a colon", {125, 1, 125, 0, "sshd: alice"}, false},
    };
    for (const Case& one : cases) {
        EXPECT(inspect::is_kept_program(one.process, more) == one.server, one.name);
        EXPECT(!inspect::is_kept_program(one.process, {}), "nothing is kept");
    }
}

// Processes of a session on Debian 12 with tmux and screen in it.
const std::vector<std::string> keep{"tmux", "screen"};

const std::vector<ProcTree::Stat> session_3 = {
    {57, 40, 57, 0, "sshd"},          {70, 57, 57, 0, "sshd"},   {71, 70, 71, 1, "bash"},
    {75, 1, 75, 0, "tmux: server"},   {76, 75, 76, 2, "bash"},   {80, 75, 80, 3, "bash"},
    {84, 1, 84, 0, "screen"},         {85, 71, 71, 1, "sleep"},  // nohup
    {86, 84, 86, 4, "bash"},          {88, 1, 88, 0, "sleep"},   // setsid
    {98, 71, 98, 1, "screen"},        {99, 98, 99, 0, "screen"}, // screen -S
    {100, 99, 100, 5, "bash"},        {104, 76, 76, 2, "sleep"}, {105, 104, 76, 2, "a) R 9 9 9 ("},
    {106, 71, 71, 1, "tmux: client"}, {107, 1, 76, 2, "sleep"}, // orphaned in a window
};

SESSLIMIT_TEST(session_split_into_servers_and_descendants) {
    const ProcTree tree;
    tree.group("session-3.scope", session_3);
    tree.group("session-4.scope", {{200, 75, 200, 6, "bash"}});
    const auto found =
        inspect::kept_programs_of(session_in("session-3.scope"), "sesslimit-kept-3-7.scope", keep, tree.roots).value();
    EXPECT_TEXT(pids(found.servers), "75 84 99 ");
    EXPECT_TEXT(pids(found.others), "76 80 86 100 104 105 ");
    EXPECT(found.moved == 0, "not moved yet");
    EXPECT_TEXT(
        pids(inspect::kept_programs_of(session_in("session-3.scope"), "k.scope", {"screen"}, tree.roots)->servers),
        "84 99 ");
    EXPECT(inspect::kept_programs_of(session_in("session-4.scope"), "k.scope", keep, tree.roots).value().is_empty(),
           "another session");
}

/// A process that a window starts while the others are moved is found by its parent in the other scope.
SESSLIMIT_TEST(descendants_started_during_move_found) {
    const ProcTree tree;
    tree.group("session-3.scope", {{71, 70, 71, 1, "bash"}, {110, 76, 76, 2, "sleep"}, {111, 110, 76, 2, "sleep"}});
    tree.group("sesslimit-kept-3-7.scope", {{75, 1, 75, 0, "tmux: server"}, {76, 75, 76, 2, "bash"}});
    const auto found =
        inspect::kept_programs_of(session_in("session-3.scope"), "sesslimit-kept-3-7.scope", keep, tree.roots).value();
    EXPECT_TEXT(pids(found.servers), "");
    EXPECT_TEXT(pids(found.others), "110 111 ");
    EXPECT(found.moved == 2, "two were moved before");
}

SESSLIMIT_TEST(invalid_scope_has_no_programs) {
    const ProcTree tree;
    tree.group("session-3.scope", session_3);
    for (const char* scope : {"", "..", "../user-1001.slice/session-3.scope", "session-5.scope"}) {
        EXPECT(inspect::kept_programs_of(session_in(scope), "k.scope", keep, tree.roots).value().is_empty(), scope);
    }
    for (const char* other : {"", "..", "../k.scope"}) {
        EXPECT(inspect::kept_programs_of(session_in("session-3.scope"), other, keep, tree.roots).value().is_empty(),
               other);
    }
}

SESSLIMIT_TEST(descriptor_exhaustion_reported_as_error) {
    const ProcTree tree;
    tree.group("session-3.scope", session_3);
    const auto found = with_descriptors(
        0, [&] { return inspect::kept_programs_of(session_in("session-3.scope"), "k.scope", keep, tree.roots); });
    EXPECT(!found && found.error().code == EMFILE, "an error, not an empty result");
}

/// Process names and parents are controlled by the user, and /proc changes while it is read. No input may cause an
/// endless loop.
SESSLIMIT_TEST(cyclic_process_tree_terminates) {
    const std::vector<Process> circle{{10, 12, 10, 0, "screen"},
                                      {11, 10, 11, 0, "b"},
                                      {12, 11, 12, 0, "screen"},
                                      {13, 13, 13, 0, "d"},
                                      {10, 12, 10, 0, "screen"}};
    const auto found = inspect::kept_programs_among(circle, keep);
    EXPECT_TEXT(pids(found.servers), "10 12 ");
    EXPECT_TEXT(pids(found.others), "11 ");
}

SESSLIMIT_TEST(number_of_processes_bounded) {
    std::vector<Process> crowd{{1000, 1, 1000, 0, "tmux: server"}};
    for (pid_t pid = 1001; pid < 3000; ++pid) {
        crowd.push_back({pid, pid - 1, 1000, 0, "x"});
    }
    const auto found = inspect::kept_programs_among(crowd, keep);
    EXPECT(found.servers.size() + found.others.size() == inspect::max_kept_processes,
           std::to_string(found.others.size()));
}

SESSLIMIT_TEST(kept_scope_name_unique_and_safe) {
    core::Session session = session_in("session-3.scope");
    EXPECT_TEXT(inspect::kept_scope_name(session), "sesslimit-kept-3-7.scope");
    session.logind_id = "c12";
    session.key = SessionKey{8};
    EXPECT_TEXT(inspect::kept_scope_name(session), "sesslimit-kept-c12-8.scope");
    session.logind_id = "../\n@%";
    EXPECT_TEXT(inspect::kept_scope_name(session), "sesslimit-kept--8.scope");
}

} // namespace
