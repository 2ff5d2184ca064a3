// SPDX-License-Identifier: MIT
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sesslimit::test {

/// Installs a seccomp filter for this process. Returns false on error.
inline bool filter_calls(std::span<sock_filter> filter) {
    const sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// Makes the kernel behave like one before Linux 6.5 to this process from now on: SO_PEERPIDFD is unknown, and pidfds
/// are not on a file system of their own.
inline bool become_older() {
    constexpr std::uint32_t so_peerpidfd = 77;
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fstatfs, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])), // lower half, little-endian
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, so_peerpidfd, 0, 2),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return filter_calls(filter);
}

/// Makes this system call fail for this process from now on.
inline bool fails_from_now_on(std::uint32_t number, std::uint32_t error) {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return filter_calls(filter);
}

/// Returns the result of `ask`, called in a child process, or `nothing` if the child does not report a result.
template <class Answer, class Ask>
Answer in_a_child(Answer nothing, Ask ask) {
    int ends[2];
    if (pipe(ends) < 0) {
        return nothing;
    }
    const pid_t child = fork();
    if (child == 0) {
        const Answer answer = ask();
        _exit(write(ends[1], &answer, sizeof answer) == sizeof answer ? 0 : 1);
    }
    close(ends[1]);
    Answer answer{};
    const bool whole = read(ends[0], &answer, sizeof answer) == sizeof answer;
    close(ends[0]);
    (void)waitpid(child, nullptr, 0);
    return whole ? answer : nothing;
}

} // namespace sesslimit::test
