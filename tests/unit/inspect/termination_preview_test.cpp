// SPDX-License-Identifier: MIT
#include "daemon/inspect/termination_preview.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/proc_tree.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) {
        all += text + ", ";
    }
    return all;
}

SESSLIMIT_TEST(reach_of_session_with_kept_programs_and_units) {
    const ProcTree tree;
    tree.group("session-3.scope", {{57, 40, 57, 0, "sshd"},
                                   {71, 57, 71, 1, "bash"},
                                   {75, 1, 75, 0, "tmux: server"},
                                   {76, 75, 76, 2, "bash"},
                                   {77, 76, 76, 2, "make"},
                                   {85, 71, 71, 1, "sleep"}});
    tree.group("session-4.scope", {{90, 40, 90, 3, "vi"}});
    tree.group("user@1001.service", "");
    tree.group("user@1001.service/init.scope", {{60, 1, 60, 0, "systemd"}});
    tree.group("user@1001.service/app.slice", "");
    tree.group("user@1001.service/app.slice/run-r1.service", "95\n");
    tree.group("user@1001.service/app.slice/run-r1.service/payload.scope", "96\n"); // belongs to that unit
    tree.group("user@1001.service/app.slice/idle.service", "");
    tree.group("user@1001.service/session.slice/dbus.service", "97\n");
    tree.group("sesslimit-kept-1-2.scope", "98\n");
    tree.group("sesslimit-kept-1-1.scope", "");
    ProcTree::write(tree.roots.linger / "alice", "");
    const auto reach = inspect::termination_preview_of(session_in("session-3.scope"), {"tmux"}, tree.roots);
    EXPECT(reach.processes == 6, std::to_string(reach.processes));
    EXPECT_TEXT(joined(reach.commands), "bash, make, sleep, sshd, tmux: server, ");
    EXPECT_TEXT(joined(reach.kept), "bash, make, tmux: server, ");
    EXPECT_TEXT(joined(reach.units), "dbus.service, run-r1.service, sesslimit-kept-1-2.scope, ");
    EXPECT(reach.lingers, "linger file exists");
    EXPECT(inspect::termination_preview_of(session_in("session-3.scope"), {}, tree.roots).kept.empty(), "keep = []");
}

SESSLIMIT_TEST(reach_of_session_without_processes_is_empty) {
    const ProcTree tree;
    for (const char* scope : {"session-3.scope", "", "../session-4.scope"}) {
        const auto reach = inspect::termination_preview_of(session_in(scope), {"tmux"}, tree.roots);
        EXPECT(reach.processes == 0 && reach.commands.empty() && reach.kept.empty(), scope);
        EXPECT(reach.units.empty() && !reach.lingers, scope);
    }
}

SESSLIMIT_TEST(user_name_cannot_escape_linger_directory) {
    const ProcTree tree;
    ProcTree::write(tree.roots.linger / "alice", "");
    struct Case {
        const char* user;
        bool lingers;
    };
    constexpr Case cases[] = {{"alice", true}, {"", false}, {".", false}, {"..", false}, {"../linger/alice", false}};
    for (const Case& one : cases) {
        core::Session session = session_in("session-3.scope");
        session.login.user = one.user;
        EXPECT(inspect::termination_preview_of(session, {"tmux"}, tree.roots).lingers == one.lingers, one.user);
    }
}

SESSLIMIT_TEST(long_lists_cut) {
    const ProcTree tree;
    std::vector<ProcTree::Stat> processes;
    for (int pid = 100; pid < 200; ++pid) {
        processes.push_back({pid, 1, pid, 0, "c" + std::to_string(pid)});
        tree.group("user@1001.service/app.slice/u" + std::to_string(pid) + ".service", "1\n");
    }
    tree.group("session-3.scope", processes);
    const auto reach = inspect::termination_preview_of(session_in("session-3.scope"), {"tmux"}, tree.roots);
    EXPECT(reach.processes == 100, std::to_string(reach.processes));
    EXPECT(reach.commands.size() == inspect::max_listed && reach.commands.front() == "c100", joined(reach.commands));
    EXPECT(reach.units.size() == inspect::max_listed, joined(reach.units));
}

} // namespace
