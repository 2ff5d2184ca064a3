// SPDX-License-Identifier: MIT
#include "common/process.hpp"
#include "daemon/pam_server/request.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/fake_kernel.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <grp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;

/// A listener and a connection accepted from a child process, which ran `prepare` before it connected. The child stays
/// alive until finish().
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

SESSLIMIT_TEST(root_peer_identified_as_leader) {
    const Caller caller([] {});
    const auto peer = pam_server::peer_of(caller.accepted.get());
    EXPECT(peer.has_value(), peer ? "" : peer.error().what);
    const Leader& leader = peer->leader;
    EXPECT(leader == identify(peer->pidfd.get(), caller.pid).value() && leader.mark != 0, "by pid and mark");
    EXPECT(syscall(SYS_pidfd_send_signal, peer->pidfd.get(), SIGKILL, nullptr, 0) == 0, "pidfd is usable");
    siginfo_t died{};
    EXPECT(waitid(P_PID, static_cast<id_t>(caller.pid), &died, WEXITED | WNOWAIT) == 0 && died.si_status == SIGKILL,
           "the signal reached the peer");
}

SESSLIMIT_TEST(non_root_peer_rejected) {
    const Caller caller([] {
        if (setgroups(0, nullptr) != 0 || setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) {
            _exit(1);
        }
    });
    const auto peer = pam_server::peer_of(caller.accepted.get());
    EXPECT(!peer.has_value() && peer.error().code == EPERM, "not root");
}

SESSLIMIT_TEST(exited_peer_rejected) {
    Caller caller([] {});
    caller.finish();
    const auto peer = pam_server::peer_of(caller.accepted.get());
    EXPECT(!peer.has_value(), "exited");
}

/// Result of peer_of() on an older kernel.
struct Older {
    pid_t peer = 0; ///< 0: no peer
    std::uint64_t mark = 0;
    int error = 0;
};

Older peer_of_older_kernel(int socket, bool few_descriptors = false) {
    return in_a_child(Older{}, [=] {
        const UniqueFd last(dup(STDERR_FILENO));
        // Leaves room for a pidfd, but not for the file that identifies its process.
        const rlimit few{.rlim_cur = static_cast<rlim_t>(last.get()) + 2, .rlim_max = 1024};
        const bool older = become_older() && (!few_descriptors || setrlimit(RLIMIT_NOFILE, &few) == 0);
        const auto peer = pam_server::peer_of(socket);
        const bool held = peer && syscall(SYS_pidfd_send_signal, peer->pidfd.get(), 0, nullptr, 0) == 0;
        return older && held ? Older{peer->leader.pid, peer->leader.mark, 0}
                             : Older{0, 0, peer ? 0 : peer.error().code};
    });
}

SESSLIMIT_TEST(descriptor_exhaustion_not_reported_as_exited_peer) {
    const Caller caller([] {});
    const Older peer = peer_of_older_kernel(caller.accepted.get(), true);
    EXPECT(peer.peer == 0 && peer.error == EMFILE, std::to_string(peer.error));
}

SESSLIMIT_TEST(peer_identified_by_pid_before_linux_6_5) {
    Caller caller([] {});
    const Older there = peer_of_older_kernel(caller.accepted.get());
    EXPECT(there.peer == caller.pid && there.mark == read_process_stat(caller.pid)->start, std::to_string(there.error));
    caller.finish();
    const Older gone = peer_of_older_kernel(caller.accepted.get());
    EXPECT(gone.peer == 0 && gone.error == ESRCH, std::to_string(gone.error));
}

/// The peer does not have a PID in this namespace, by which it could be tracked.
SESSLIMIT_TEST(peer_of_other_pid_namespace_rejected) {
    const Caller caller([] {});
    const int error = in_a_child(0, [&caller] {
        if (unshare(CLONE_NEWPID) != 0) {
            return -1;
        }
        return in_a_child(0, [&caller] {
            const auto peer = pam_server::peer_of(caller.accepted.get());
            return peer ? 0 : peer.error().code;
        });
    });
    EXPECT(error == ESRCH, std::to_string(error));
}

SESSLIMIT_TEST(non_socket_rejected) {
    const UniqueFd fd(dup(STDERR_FILENO));
    EXPECT(!pam_server::peer_of(fd.get()).has_value() && !pam_server::peer_of(-1).has_value(), "no peer");
}

} // namespace

int main() {
    return sesslimit::test::run_all_as_root("only root may identify peers");
}
