// SPDX-License-Identifier: MIT
// A PAM handle that is inherited by other processes, and the process in which a login is opened.
#include <fstream> // before cmocka.h, because that header's macro fail() breaks it

#include "tests/module/login.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace sesslimit::test {
namespace {

/// Runs `body` in a forked child. Returns its exit status, or -1 if a signal terminated it.
template <class Body>
int in_child(Body body) {
    const pid_t child = fork();
    if (child == 0) {
        _exit(body());
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string closed_session(const FakeDaemon& daemon, std::size_t index) {
    const auto request = wire::decode_close(daemon.frame(index));
    return request ? std::to_string(request->session) : std::string(wire::describe(request.error()));
}

SESSLIMIT_TEST(pam_end_in_child_keeps_session) {
    const FakeDaemon daemon({admits(8)});
    Login login(daemon.socket(), "");
    (void)login.open();
    const int child = in_child([&] { return pam_end(login.handle(), PAM_SUCCESS | PAM_DATA_SILENT); });
    const unsigned after_child = daemon.connections();
    const int closed = login.close();
    EXPECT(child == PAM_SUCCESS, "child");
    EXPECT(after_child == 1, "only the open request was sent");
    EXPECT(closed == PAM_SUCCESS, "close");
    EXPECT_TEXT(closed_session(daemon, 1), "8");
}

SESSLIMIT_TEST(child_closes_session) {
    clear_log();
    const FakeDaemon daemon({admits(8)});
    Login login(daemon.socket(), "");
    (void)login.open();
    const int child = in_child([&] {
        const int closed = login.close();
        const int ended = pam_end(login.handle(), PAM_SUCCESS);
        return closed == PAM_SUCCESS && ended == PAM_SUCCESS && log_lines().empty() ? 0 : 1;
    });
    EXPECT(child == 0, "child");
    EXPECT_TEXT(closed_session(daemon, 1), "8");
}

SESSLIMIT_TEST(close_as_other_user_sends_and_logs_nothing) {
    if (geteuid() != 0) {
        skip();
    }
    clear_log();
    const FakeDaemon daemon({admits(8)}); // only this user can access its directory
    Login login(daemon.socket(), "on_error=deny");
    (void)login.open();
    const uid_t uid = getpwnam(ordinary_user)->pw_uid;
    const int child = in_child([&] {
        if (setresuid(uid, uid, uid) != 0) {
            return 2;
        }
        return login.close() == PAM_SUCCESS && log_lines().empty() && login.said().empty() ? 0 : 1;
    });
    EXPECT(child == 0, "child");
    EXPECT(daemon.connections() == 1, "nothing was sent to the daemon");
}

/// Makes /proc/self/cgroup contain `text` for this process, in a private mount namespace. Returns false if that is not
/// permitted.
bool pretend_cgroup(const TempDir& dir, const char* text) {
    const std::string file = dir.file("cgroup");
    std::ofstream(file) << text;
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) {
        return false;
    }
    return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount(file.c_str(), "/proc/self/cgroup", nullptr, MS_BIND, nullptr) == 0;
}

SESSLIMIT_TEST(request_inside_session_marked_nested) {
    struct Row {
        const char* cgroup;
        bool nested;
    };
    const Row table[] = {
        {"0::/user.slice/user-1000.slice/session-3.scope\n", true},
        {"0::/system.slice/ssh.service\n", false},
    };
    for (const Row& row : table) {
        const TempDir dir;
        const FakeDaemon daemon({answers({.outcome = wire::Outcome::uncounted, .session = 0, .text = {}})});
        Login login(daemon.socket(), "on_error=deny");
        constexpr int not_allowed = 77;
        const int child = in_child([&] { return pretend_cgroup(dir, row.cgroup) ? login.open() : not_allowed; });
        if (child == not_allowed) {
            print_message("[          ] no mount namespace available\n");
            skip();
        }
        const auto request = wire::decode_open(daemon.frame(0));
        EXPECT(child == PAM_SUCCESS, row.cgroup);
        EXPECT(request && request->nested == row.nested, row.cgroup);
    }
}

SESSLIMIT_TEST(process_state_unchanged_by_module) {
    const FakeDaemon daemon({admits(8)});
    const std::size_t descriptors = open_descriptors();
    sigset_t before;
    sigset_t after;
    struct sigaction pipe_before{};
    struct sigaction pipe_after{};
    sigprocmask(SIG_SETMASK, nullptr, &before);
    sigaction(SIGPIPE, nullptr, &pipe_before);
    {
        Login login(daemon.socket(), "");
        for (int round = 0; round < 20; ++round) {
            (void)login.open();
            (void)login.close();
        }
    }
    sigprocmask(SIG_SETMASK, nullptr, &after);
    sigaction(SIGPIPE, nullptr, &pipe_after);
    bool same_mask = true;
    for (int signal = 1; signal < SIGRTMIN; ++signal) {
        same_mask = same_mask && sigismember(&before, signal) == sigismember(&after, signal);
    }
    EXPECT(open_descriptors() == descriptors, "descriptors");
    EXPECT(same_mask, "signal mask");
    EXPECT(pipe_before.sa_handler == pipe_after.sa_handler, "SIGPIPE");
}

} // namespace
} // namespace sesslimit::test
