// SPDX-License-Identifier: MIT
#include "common/process.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/fake_kernel.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <fcntl.h>
#include <sched.h>

#include <expected>
#include <optional>
#include <string>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

UniqueFd pidfd_of(pid_t pid) {
    return open_pidfd(pid).value_or(UniqueFd());
}

std::optional<Leader> leader_of(pid_t pid) {
    const auto leader = identify(pid);
    return leader ? std::optional(*leader) : std::nullopt;
}

bool kernel_has_pidfs() {
    return (leader_of(getpid()).value_or(Leader{}).mark & Leader::by_inode) != 0;
}

bool same(const Child& child, const Leader& leader) {
    return is_leader(pidfd_of(child.pid()).get(), leader).value_or(false);
}

SESSLIMIT_TEST(leader_matches_only_same_process) {
    Child one;
    Child other;
    const auto leader = leader_of(one.pid());
    EXPECT(leader && leader->pid == one.pid() && leader->mark != 0, "identified");
    EXPECT(leader == leader_of(one.pid()), "identified equally twice");
    EXPECT(same(one, *leader), "the same process");
    EXPECT(!same(one, {one.pid(), leader->mark + 1}), "another mark");
    // Both processes may have started within one clock tick.
    EXPECT(!kernel_has_pidfs() || leader->mark != leader_of(other.pid())->mark, "another process");
    EXPECT(same(one, {one.pid(), 0}), "an unknown mark is accepted");
}

/// A security module can deny fstatfs(2) on a pidfd. The process may nevertheless be the leader.
SESSLIMIT_TEST(denied_inode_leaves_leader_unknown) {
    Child child;
    const Leader leader = leader_of(child.pid()).value_or(Leader{});
    if (!kernel_has_pidfs()) {
        return;
    }
    const UniqueFd pidfd = pidfd_of(child.pid());
    const int error = in_a_child(0, [&] {
        const bool denied = fails_from_now_on(SYS_fstatfs, EACCES);
        const auto same = is_leader(pidfd.get(), leader);
        return denied && !same ? same.error() : -1;
    });
    EXPECT(error == EACCES, "an error, not another process");
    const bool by_start = in_a_child(false, [&] {
        const auto denied = fails_from_now_on(SYS_fstatfs, EACCES);
        const auto again = identify(pidfd.get(), child.pid());
        return denied && again && again->mark == read_process_stat(child.pid())->start;
    });
    EXPECT(by_start, "identified by its start time");
}

/// A start time recorded by an earlier version of the daemon, on a kernel with pidfs.
SESSLIMIT_TEST(start_time_still_identifies_leader) {
    Child child;
    const std::uint64_t start = read_process_stat(child.pid())->start;
    EXPECT(same(child, {child.pid(), start}), "same start time");
    EXPECT(!same(child, {child.pid(), start + 1}), "other start time");
}

SESSLIMIT_TEST(exited_process_reported) {
    Child child;
    const UniqueFd pidfd = pidfd_of(child.pid());
    const pid_t pid = child.pid();
    const auto leader = identify(pidfd.get(), pid);
    const std::uint64_t start = read_process_stat(pid)->start;
    EXPECT(lives(pidfd.get()), "alive");
    child.finish();
    EXPECT(!lives(pidfd.get()), "exited");
    EXPECT(open_pidfd(pid).error() == ESRCH && open_pidfd(0).error() == ESRCH && open_pidfd(-1).error() == ESRCH,
           "no process");
    EXPECT(identify(pidfd.get(), 0).error() == ESRCH && identify(pidfd.get(), -1).error() == ESRCH,
           "no process to identify");
    EXPECT(is_leader(pidfd.get(), {pid, start}).value() == false, "its start time is unreadable");
    EXPECT(!kernel_has_pidfs() || is_leader(pidfd.get(), *leader).value(), "its pidfd still identifies it");
}

int error_of(const std::expected<Leader, int>& found) {
    return found ? 0 : found.error();
}

struct Marks {
    bool older = false;
    std::uint64_t mark = 0;
    bool own = false;
    bool others = true;
    bool inode = true;
    int exited = 0;
    bool zombie = true;
};

/// Linux before 6.9.
SESSLIMIT_TEST(leader_identified_by_start_time_without_pidfs) {
    Child child;
    Child gone;
    const UniqueFd gone_pidfd = pidfd_of(gone.pid());
    const pid_t gone_pid = gone.pid();
    gone.finish();
    Child zombie;
    const UniqueFd zombie_pidfd = pidfd_of(zombie.pid());
    const Leader zombie_leader{zombie.pid(), read_process_stat(zombie.pid())->start};
    zombie.let_go();
    siginfo_t died{};
    (void)waitid(P_PID, static_cast<id_t>(zombie.pid()), &died, WEXITED | WNOWAIT); // the start time can still be read
    const auto seen = in_a_child(Marks{}, [&] {
        const bool older = become_older();
        const auto leader = leader_of(child.pid()).value_or(Leader{});
        return Marks{.older = older,
                     .mark = leader.mark,
                     .own = same(child, leader),
                     .others = same(child, {child.pid(), leader.mark + 1}),
                     .inode = same(child, {child.pid(), leader.mark | Leader::by_inode}),
                     .exited = error_of(identify(gone_pidfd.get(), gone_pid)),
                     .zombie = is_leader(zombie_pidfd.get(), zombie_leader).value_or(true) ||
                               error_of(identify(zombie_pidfd.get(), zombie_leader.pid)) != ESRCH};
    });
    EXPECT(seen.older && seen.mark == read_process_stat(child.pid())->start, "start time");
    EXPECT(seen.own && !seen.others && !seen.inode, "only the start time matches");
    EXPECT(seen.exited == ESRCH && !seen.zombie, "exited");
}

/// Gives the next process of this PID namespace the PID of the last one. Returns false on error.
bool give_again(pid_t pid) {
    const UniqueFd file(open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC));
    const std::string text = std::to_string(pid - 1);
    return write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

struct Twins {
    bool same_pid = false;
    bool differ = false;
};

/// Two processes with the same PID, one right after the other, far within the 10 ms resolution of start times.
SESSLIMIT_TEST(reused_pid_is_other_process) {
    if (!kernel_has_pidfs()) {
        print_message("skipped: this kernel has no pidfs\n");
        return;
    }
    // A separate PID namespace, so that no other process gets the PID in between.
    const auto twins = in_a_child(Twins{}, [] {
        if (unshare(CLONE_NEWPID) != 0) {
            return Twins{};
        }
        return in_a_child(Twins{}, [] {
            auto first = std::make_optional<Child>();
            const pid_t pid = first->pid();
            const auto leader = leader_of(pid);
            first->finish();
            if (!give_again(pid)) {
                return Twins{};
            }
            const Child second;
            const auto again = is_leader(pidfd_of(second.pid()).get(), leader.value_or(Leader{}));
            return Twins{.same_pid = second.pid() == pid, .differ = leader && again && !*again};
        });
    });
    EXPECT(twins.same_pid, "the pid was reused");
    EXPECT(twins.differ, "by another process");
}

struct Pair {
    const char* name;
    Leader one;
    Leader other;
    bool may_be;
};

SESSLIMIT_TEST(marks_of_same_kind_distinguish_processes) {
    constexpr std::uint64_t inode = Leader::by_inode;
    const Pair pairs[] = {
        {"equal starts", {7, 5}, {7, 5}, true},
        {"different starts", {7, 5}, {7, 6}, false},
        {"equal inodes", {7, inode | 5}, {7, inode | 5}, true},
        {"different inodes", {7, inode | 5}, {7, inode | 6}, false},
        {"a start and an inode", {7, 5}, {7, inode | 6}, true},
        {"unknown and a start", {7, 0}, {7, 5}, true},
        {"unknown and an inode", {7, 0}, {7, inode | 5}, true},
        {"both unknown", {7, 0}, {7, 0}, true},
        {"another pid", {7, 5}, {8, 5}, false},
        {"another pid, both unknown", {7, 0}, {8, 0}, false},
        {"another pid, different kinds", {7, 5}, {8, inode | 5}, false},
    };
    for (const Pair& pair : pairs) {
        EXPECT(may_be_same(pair.one, pair.other) == pair.may_be, pair.name);
        EXPECT(may_be_same(pair.other, pair.one) == pair.may_be, pair.name);
    }
}

} // namespace

int main() {
    return sesslimit::test::run_all_as_root("only root may reuse a pid");
}
