// SPDX-License-Identifier: MIT
#include "daemon/serve/peer.hpp"
#include "tests/unit/cmocka.hpp"
#include "tests/unit/loop_bench.hpp"

#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <iterator>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

/// A listener and what came in on it from a child that did `prepare` before it connected. The child stays.
struct Caller {
    TemporaryDirectory directory;
    UniqueFd listener{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    UniqueFd leash;
    UniqueFd accepted;
    pid_t pid = -1;

    explicit Caller(void (*prepare)()) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = directory.path / "socket";
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        (void)bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
        (void)listen(listener.get(), 1);
        std::filesystem::permissions(directory.path, std::filesystem::perms::all);
        std::filesystem::permissions(path, std::filesystem::perms::all);
        int ends[2];
        if (pipe(ends) < 0) {
            return;
        }
        pid = fork();
        if (pid == 0) {
            close(ends[1]);
            prepare();
            const UniqueFd fd = connect_to(path);
            char byte = 0;
            (void)!read(ends[0], &byte, 1);
            _exit(0);
        }
        close(ends[0]);
        leash.reset(ends[1]);
        accepted.reset(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
    ~Caller() { finish(); }

    void finish() {
        leash.reset();
        if (pid > 0) {
            (void)waitpid(pid, nullptr, 0);
            pid = -1;
        }
    }
};

void a_root_peer_is_a_leader() {
    const Caller caller([] {});
    const auto peer = serve::peer_of(caller.accepted.get());
    EXPECT(peer.has_value(), peer ? "" : peer.error().what);
    const Leader& leader = peer->leader;
    EXPECT(leader.pid == caller.pid && leader.start == read_process_stat(caller.pid)->start, "by pid and start");
    EXPECT(syscall(SYS_pidfd_send_signal, peer->pidfd.get(), SIGKILL, nullptr, 0) == 0, "held");
    siginfo_t died{};
    EXPECT(waitid(P_PID, static_cast<id_t>(caller.pid), &died, WEXITED | WNOWAIT) == 0 && died.si_status == SIGKILL,
           "it, and nobody else");
}

void a_peer_that_is_not_root_is_refused() {
    const Caller caller([] {
        if (setgroups(0, nullptr) != 0 || setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) {
            _exit(1);
        }
    });
    const auto peer = serve::peer_of(caller.accepted.get());
    EXPECT(!peer.has_value() && peer.error().code == EPERM, "not root");
}

void a_peer_that_has_exited_is_refused() {
    Caller caller([] {});
    caller.finish();
    const auto peer = serve::peer_of(caller.accepted.get());
    EXPECT(!peer.has_value(), "exited");
}

void a_peer_that_cannot_be_looked_at_is_not_said_to_have_exited() {
    const Caller caller([] {});
    rlimit before{};
    (void)getrlimit(RLIMIT_NOFILE, &before);
    const UniqueFd next(dup(STDERR_FILENO));
    const rlimit few{.rlim_cur = static_cast<rlim_t>(next.get()) + 2, .rlim_max = before.rlim_max}; // room for a pidfd
    (void)setrlimit(RLIMIT_NOFILE, &few);
    const auto peer = serve::peer_of(caller.accepted.get());
    (void)setrlimit(RLIMIT_NOFILE, &before);
    EXPECT(!peer.has_value() && peer.error().code == EMFILE, peer ? "" : peer.error().what);
}

/// From now on the kernel is one before Linux 6.5, to this process: it knows no SO_PEERPIDFD.
bool become_older() {
    constexpr std::uint32_t so_peerpidfd = 77;
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])), // its lower half, little-endian
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, so_peerpidfd, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{.len = std::size(filter), .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// Who peer_of() takes to be at the other end, with an older kernel: 0: nobody.
pid_t peer_of_older_kernel(int socket, int& error) {
    int ends[2];
    if (pipe(ends) < 0) {
        return -1;
    }
    const pid_t child = fork();
    if (child == 0) {
        const bool older = become_older();
        const auto peer = serve::peer_of(socket);
        const bool held = peer && syscall(SYS_pidfd_send_signal, peer->pidfd.get(), 0, nullptr, 0) == 0;
        const int answer[] = {older && held ? peer->leader.pid : 0, peer ? 0 : peer.error().code};
        _exit(write(ends[1], answer, sizeof answer) == sizeof answer ? 0 : 1);
    }
    close(ends[1]);
    int answer[2] = {-1, 0};
    (void)!read(ends[0], answer, sizeof answer);
    close(ends[0]);
    (void)waitpid(child, nullptr, 0);
    error = answer[1];
    return answer[0];
}

void before_linux_6_5_a_peer_is_held_by_its_pid() {
    Caller caller([] {});
    int error = 0;
    EXPECT(peer_of_older_kernel(caller.accepted.get(), error) == caller.pid, std::to_string(error));
    caller.finish();
    EXPECT(peer_of_older_kernel(caller.accepted.get(), error) == 0 && error == ESRCH, std::to_string(error));
}

void what_is_no_socket_is_refused() {
    const UniqueFd fd(dup(STDERR_FILENO));
    EXPECT(!serve::peer_of(fd.get()).has_value() && !serve::peer_of(-1).has_value(), "no peer");
}

} // namespace

int main() {
    if (getuid() != 0) {
        print_message("skipped: only root may tell peers apart\n");
        return 77;
    }
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(a_root_peer_is_a_leader),
        SESSLIMIT_TEST(a_peer_that_is_not_root_is_refused),
        SESSLIMIT_TEST(a_peer_that_has_exited_is_refused),
        SESSLIMIT_TEST(a_peer_that_cannot_be_looked_at_is_not_said_to_have_exited),
        SESSLIMIT_TEST(before_linux_6_5_a_peer_is_held_by_its_pid),
        SESSLIMIT_TEST(what_is_no_socket_is_refused),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
