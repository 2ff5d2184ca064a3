// SPDX-License-Identifier: MIT
#include "common/process.hpp"
#include "daemon/inspect/cpu_usage.hpp"
#include "daemon/inspect/processes.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/descriptors.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace {

using namespace sesslimit;
using namespace std::chrono_literals;

/// A leader with a child and a grandchild, which sleep. The grandchild ignores SIGTERM, as an interactive shell does.
/// The test process adopts the grandchild when its parent exits.
struct Tree {
    pid_t leader = 0;
    pid_t child = 0;
    pid_t grandchild = 0;

    Tree() {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        int ends[2];
        (void)!pipe(ends);
        leader = fork();
        if (leader == 0) {
            run(ends[1], 3);
        }
        for (pid_t* pid : {&child, &grandchild}) {
            (void)!read(ends[0], pid, sizeof(*pid));
        }
        close(ends[0]);
        close(ends[1]);
    }
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    ~Tree() {
        for (const pid_t pid : {leader, child, grandchild}) {
            kill(pid, SIGKILL);
            waitpid(pid, nullptr, 0);
        }
    }

    [[noreturn]] static void run(int out, int depth) {
        alarm(30);
        if (depth == 1) {
            (void)signal(SIGTERM, SIG_IGN);
            while (clock() < CLOCKS_PER_SEC / 20) {
            }
        }
        if (depth < 3) {
            const pid_t own = getpid();
            (void)!write(out, &own, sizeof(own));
        }
        if (depth > 1 && fork() == 0) {
            run(out, depth - 1);
        }
        for (;;) {
            pause();
        }
    }

    /// Waits until the test process has adopted a process. Returns the signal that ended it, 0 after 10 s.
    static int signal_of(pid_t pid) {
        for (int attempt = 0; attempt < 1000; ++attempt) {
            int status = 0;
            if (waitpid(pid, &status, WNOHANG) == pid) {
                return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
            }
            usleep(10'000);
        }
        return 0;
    }
};

SESSLIMIT_TEST(case_B11_processes_without_scope_found_from_leader) {
    const Tree tree;
    core::Session session;
    session.leader = identify(tree.leader).value_or(Leader{});
    const auto found = inspect::processes_of(session);
    EXPECT(found && found->size() == 3, "three processes");
    EXPECT(found->at(0).pid == tree.leader && found->at(1).pid == tree.child && found->at(2).pid == tree.grandchild,
           "each parent before its child");
    EXPECT(inspect::processor_time_of(session).value_or(std::nullopt) >= Duration(40ms), "CPU time of the grandchild");

    session.leader.mark += 1;
    EXPECT(inspect::processes_of(session)->empty(), "another process with the PID of the leader");
    session.leader = {};
    EXPECT(inspect::processes_of(session)->empty(), "no leader");
    EXPECT(inspect::processor_time_of(session).value_or(1us) == std::nullopt, "no CPU time");
}

/// An empty list would show a session without a terminal, which could be terminated as idle.
SESSLIMIT_TEST(case_B11_descriptor_exhaustion_is_an_error) {
    const Tree tree;
    core::Session session;
    session.leader = identify(tree.leader).value_or(Leader{});
    for (const rlim_t left : {0U, 1U}) { // 1: enough for each file, but not for a directory and its files
        const auto found = test::with_descriptors(left, [&] { return inspect::processes_of(session); });
        EXPECT(!found && found.error().code == EMFILE, std::to_string(left));
    }
}

SESSLIMIT_TEST(case_B11_signals_reach_descendants_but_not_leader) {
    const Tree tree;
    inspect::signal_descendants(identify(tree.leader).value_or(Leader{}), SIGTERM);
    EXPECT(Tree::signal_of(tree.grandchild) == SIGHUP, "ignores SIGTERM, and is adopted after the end of its parent");
    EXPECT(waitpid(tree.leader, nullptr, WNOHANG) == 0, "the leader lives");
}

} // namespace
