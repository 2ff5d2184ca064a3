// SPDX-License-Identifier: MIT
#include "daemon/inspect/ssh_channel.hpp"

#include "common/process.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/descriptors.hpp"
#include "tests/unit/support/proc_tree.hpp"

#include <csignal>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using Processes = std::vector<ProcTree::Stat>;

/// Fields of a process: PID, parent, kernel session, terminal, name. These are processes of a connection in OpenSSH 9.2
/// of Debian 12. The names of the first two are "sshd-session" in OpenSSH 10.0 of Debian 13, and all else is equal.
const ProcTree::Stat leader{43, 38, 43, 0, "sshd"};
const ProcTree::Stat users_sshd{49, 43, 43, 0, "sshd"};
const ProcTree::Stat shell{50, 49, 50, 1, "bash"};

bool is_found(const Processes& processes) {
    const ProcTree tree;
    tree.processes(processes);
    return inspect::has_channel_without_terminal(43, tree.roots).value();
}

SESSLIMIT_TEST(channels_without_terminal_found) {
    const std::pair<const char*, Processes> cases[] = {
        {"ssh HOST COMMAND", {leader, users_sshd, {71, 49, 71, 0, "bash"}, {72, 71, 71, 0, "cat"}}},
        {"ssh -T HOST", {leader, users_sshd, {71, 49, 71, 0, "bash"}}},
        {"sftp-server", {leader, users_sshd, {71, 49, 71, 0, "sftp-server"}}},
        {"internal-sftp", {leader, users_sshd, {71, 49, 71, 0, "sshd"}}},
        {"rsync", {leader, users_sshd, {71, 49, 71, 0, "rsync"}, {72, 71, 71, 0, "rsync"}}},
        {"scp beside a shell", {leader, users_sshd, shell, {77, 49, 77, 0, "scp"}}},
        {"internal-sftp beside a shell", {leader, users_sshd, shell, {77, 49, 77, 0, "sshd"}}},
        {"a command of root in OpenSSH 9.2", {leader, {71, 43, 71, 0, "sleep"}}},
        {"internal-sftp of root in OpenSSH 9.2", {leader, {71, 43, 71, 0, "sshd"}}},
    };
    for (const auto& [name, processes] : cases) {
        EXPECT(is_found(processes), name);
    }
}

SESSLIMIT_TEST(terminals_jobs_and_forwardings_are_not_channels_without_terminal) {
    const std::pair<const char*, Processes> cases[] = {
        {"a shell", {leader, users_sshd, shell}},
        {"two shells", {leader, users_sshd, shell, {60, 49, 60, 2, "bash"}}},
        {"ssh -tt HOST COMMAND", {leader, users_sshd, {71, 49, 71, 1, "bash"}, {72, 71, 71, 1, "sleep"}}},
        {"a shell of root in OpenSSH 9.2", {leader, {50, 43, 50, 1, "bash"}}},
        {"ssh -N, also with -L", {leader, users_sshd}},
        {"ssh -N of root in OpenSSH 9.2", {leader}},
        {"a background job", {leader, users_sshd, shell, {52, 50, 50, 1, "sleep"}}},
        {"nohup", {leader, users_sshd, shell, {52, 50, 50, 1, "nohup"}}},
        {"setsid in the shell", {leader, users_sshd, shell, {52, 50, 52, 0, "sleep"}}},
        {"setsid, adopted by PID 1", {leader, users_sshd, shell, {52, 1, 52, 0, "sleep"}}},
        {"a child of another connection", {leader, users_sshd, shell, {38, 1, 38, 0, "sshd"}, {90, 38, 90, 0, "sshd"}}},
        {"the leader has exited", {users_sshd, {71, 49, 71, 0, "sleep"}}},
    };
    for (const auto& [name, processes] : cases) {
        EXPECT(!is_found(processes), name);
    }
}

SESSLIMIT_TEST(processes_that_exit_or_are_replaced_are_skipped) {
    const ProcTree tree;
    tree.processes({leader, users_sshd, shell});
    ProcTree::write(tree.roots.proc / "49/task/49/children", "50 70 71 x");
    tree.process({70, 1, 70, 0, "reuses the PID of a channel"});
    EXPECT(!inspect::has_channel_without_terminal(43, tree.roots).value(), "71 has exited");
    tree.process({71, 49, 71, 0, "sftp-server"});
    EXPECT(inspect::has_channel_without_terminal(43, tree.roots).value(), "71 runs");
}

SESSLIMIT_TEST(number_of_inspected_processes_is_bounded) {
    const ProcTree tree;
    Processes processes{leader, users_sshd};
    for (int pid = 100; pid < 100 + static_cast<int>(inspect::max_inspected_children); ++pid) {
        processes.push_back({pid, 49, pid, 1, "bash"});
    }
    processes.push_back({300, 49, 300, 0, "sftp-server"});
    tree.processes(processes);
    EXPECT(!inspect::has_channel_without_terminal(43, tree.roots).value(), "one process too many");
}

/// This process is the leader, and a child that has called setsid(2) is a channel.
SESSLIMIT_TEST(channel_of_running_process_found) {
    int ends[2];
    EXPECT(pipe(ends) == 0, "pipe");
    const pid_t channel = fork();
    if (channel == 0) {
        (void)setsid();
        (void)!write(ends[1], "", 1);
        alarm(30);
        pause();
        _exit(0);
    }
    char ready = 1;
    (void)!read(ends[0], &ready, 1);
    Leader own = identify(getpid()).value();
    const auto found = inspect::has_channel_without_terminal(own);
    const auto without_descriptors = with_descriptors(0, [&] { return inspect::has_channel_without_terminal(own); });
    own.mark += 1;
    const auto of_another = inspect::has_channel_without_terminal(own);
    (void)kill(channel, SIGKILL);
    (void)waitpid(channel, nullptr, 0);
    close(ends[0]);
    close(ends[1]);
    EXPECT(ready == 0 && found.has_value() && *found, "found");
    EXPECT(!without_descriptors && without_descriptors.error().code == EMFILE,
           "an error, not the absence of a channel");
    EXPECT(of_another.has_value() && !*of_another, "another process with the PID of the leader");
}

} // namespace
