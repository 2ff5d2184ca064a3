// SPDX-License-Identifier: MIT
#include "common/pidfd.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/loop_bench.hpp"
#include "tests/unit/support/fake_kernel.hpp"

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

void a_process_is_known_again_and_no_other() {
    Child one;
    Child other;
    const auto leader = leader_of(one.pid());
    EXPECT(leader && leader->pid == one.pid() && leader->mark != 0, "identified");
    EXPECT(leader == leader_of(one.pid()), "twice the same");
    EXPECT(same(one, *leader), "it");
    EXPECT(!same(one, {one.pid(), leader->mark + 1}), "another mark");
    // Both may have started within one clock tick.
    EXPECT(!kernel_has_pidfs() || leader->mark != leader_of(other.pid())->mark, "another process");
    EXPECT(same(one, {one.pid(), 0}), "an unknown mark is believed");
}

/// A security module can deny fstatfs(2) of a pidfd. The process may be the leader all the same.
void Identify_InodeDenied_LeaderIsUnknown() {
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
    EXPECT(error == EACCES, "it is not another process");
    const bool by_start = in_a_child(false, [&] {
        const auto denied = fails_from_now_on(SYS_fstatfs, EACCES);
        const auto again = identify(pidfd.get(), child.pid());
        return denied && again && again->mark == read_process_stat(child.pid())->start;
    });
    EXPECT(by_start, "its start identifies it");
}

/// What an earlier version of the daemon recorded, on a kernel that could do better.
void a_start_is_still_understood() {
    Child child;
    const std::uint64_t start = read_process_stat(child.pid())->start;
    EXPECT(same(child, {child.pid(), start}), "its start");
    EXPECT(!same(child, {child.pid(), start + 1}), "another start");
}

void what_has_exited_is_told() {
    Child child;
    const UniqueFd pidfd = pidfd_of(child.pid());
    const pid_t pid = child.pid();
    const auto leader = identify(pidfd.get(), pid);
    const std::uint64_t start = read_process_stat(pid)->start;
    EXPECT(lives(pidfd.get()), "alive");
    child.finish();
    EXPECT(!lives(pidfd.get()), "exited");
    EXPECT(open_pidfd(pid).error() == ESRCH && open_pidfd(0).error() == ESRCH && open_pidfd(-1).error() == ESRCH,
           "nobody there");
    EXPECT(identify(pidfd.get(), 0).error() == ESRCH && identify(pidfd.get(), -1).error() == ESRCH, "nor here");
    EXPECT(is_leader(pidfd.get(), {pid, start}).value() == false, "its start can no longer be read");
    EXPECT(!kernel_has_pidfs() || is_leader(pidfd.get(), *leader).value(), "its pidfd still says who it was");
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

/// Before Linux 6.9.
void without_inodes_of_its_own_a_pidfd_is_told_by_the_start() {
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
    (void)waitid(P_PID, static_cast<id_t>(zombie.pid()), &died, WEXITED | WNOWAIT); // its start can still be read
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
    EXPECT(seen.older && seen.mark == read_process_stat(child.pid())->start, "the start");
    EXPECT(seen.own && !seen.others && !seen.inode, "and nothing else");
    EXPECT(seen.exited == ESRCH && !seen.zombie, "exited");
}

/// Gives the next process of this pid namespace the pid that the last one had.
bool give_again(pid_t pid) {
    const UniqueFd file(open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC));
    const std::string text = std::to_string(pid - 1);
    return write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

struct Twins {
    bool same_pid = false;
    bool differ = false;
};

/// Two processes of one pid, one right after the other: far within the 10 ms that starts are told in.
void whoever_gets_the_pid_next_is_another() {
    if (!kernel_has_pidfs()) {
        print_message("skipped: this kernel has no pidfs\n");
        return;
    }
    // A pid namespace of their own: nobody else takes the pid meanwhile.
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
    EXPECT(twins.same_pid, "the pid was given again");
    EXPECT(twins.differ, "to another process");
}

struct Pair {
    const char* name;
    Leader one;
    Leader other;
    bool may_be;
};

void marks_of_one_kind_tell_processes_apart() {
    constexpr std::uint64_t inode = Leader::by_inode;
    const Pair pairs[] = {
        {"equal starts", {7, 5}, {7, 5}, true},
        {"two starts", {7, 5}, {7, 6}, false},
        {"equal inodes", {7, inode | 5}, {7, inode | 5}, true},
        {"two inodes", {7, inode | 5}, {7, inode | 6}, false},
        {"a start and an inode", {7, 5}, {7, inode | 6}, true},
        {"unknown and a start", {7, 0}, {7, 5}, true},
        {"unknown and an inode", {7, 0}, {7, inode | 5}, true},
        {"both unknown", {7, 0}, {7, 0}, true},
        {"another pid", {7, 5}, {8, 5}, false},
        {"another pid, both unknown", {7, 0}, {8, 0}, false},
        {"another pid, two kinds", {7, 5}, {8, inode | 5}, false},
    };
    for (const Pair& pair : pairs) {
        EXPECT(may_be_same(pair.one, pair.other) == pair.may_be, pair.name);
        EXPECT(may_be_same(pair.other, pair.one) == pair.may_be, pair.name);
    }
}

} // namespace

int main() {
    if (getuid() != 0) {
        print_message("skipped: only root may have a pid given again\n");
        return 77;
    }
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(a_process_is_known_again_and_no_other),
        SESSLIMIT_TEST(Identify_InodeDenied_LeaderIsUnknown),
        SESSLIMIT_TEST(a_start_is_still_understood),
        SESSLIMIT_TEST(what_has_exited_is_told),
        SESSLIMIT_TEST(without_inodes_of_its_own_a_pidfd_is_told_by_the_start),
        SESSLIMIT_TEST(whoever_gets_the_pid_next_is_another),
        SESSLIMIT_TEST(marks_of_one_kind_tell_processes_apart),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
