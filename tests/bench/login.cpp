// SPDX-License-Identifier: MIT
// Benchmark of pam_open_session through libpam, inside a booted machine. Each session is opened by a separate process,
// as in sshd. Only this call is timed.
// usage: bench_login time ROUNDS USER SERVICE...   opens and closes a session with each service in turn, ROUNDS times;
//                                                  prints {"SERVICE": [ns, ...], ...}
//        bench_login hold COUNT USER SERVICE       opens COUNT sessions, prints "ready" and keeps them open until its
//                                                  input ends
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace {

std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

int no_conversation(int, const pam_message**, pam_response**, void*) {
    return PAM_CONV_ERR;
}

pam_handle_t* start(const char* service, const char* user) {
    static const pam_conv conversation{.conv = &no_conversation, .appdata_ptr = nullptr};
    pam_handle_t* handle = nullptr;
    if (pam_start(service, user, &conversation, &handle) != PAM_SUCCESS) {
        return nullptr;
    }
    pam_set_item(handle, PAM_TTY, "ssh");
    pam_set_item(handle, PAM_RHOST, "192.0.2.7");
    pam_putenv(handle, "SSH_CONNECTION=192.0.2.7 51234 192.0.2.1 22");
    return handle;
}

/// Looks the user up in advance. sshd has done this long before it opens a session, and has assumed the user's groups
/// to read their keys (temporarily_use_uid()). The one-time work of the user database's modules is therefore not part
/// of the call.
void look_up(const char* user) {
    if (const passwd* found = getpwnam(user)) {
        gid_t group = 0;
        int room = 1;
        (void)getgrouplist(user, found->pw_gid, &group, &room);
    }
}

/// Runs in a child process. Returns the duration in nanoseconds, or 0 if the session could not be opened.
std::uint64_t open_and_close(const char* service, const char* user) {
    look_up(user);
    pam_handle_t* handle = start(service, user);
    const std::uint64_t before = now_ns();
    const bool opened = handle != nullptr && pam_open_session(handle, 0) == PAM_SUCCESS;
    const std::uint64_t took = now_ns() - before;
    if (opened) {
        pam_close_session(handle, 0);
    }
    if (handle != nullptr) {
        pam_end(handle, PAM_SUCCESS);
    }
    return opened ? took : 0;
}

std::uint64_t time_one(const char* service, const char* user) {
    int ends[2];
    if (pipe(ends) < 0) {
        return 0;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        const std::uint64_t took = open_and_close(service, user);
        std::_Exit(write(ends[1], &took, sizeof took) == sizeof took ? 0 : 1);
    }
    close(ends[1]);
    std::uint64_t took = 0;
    const bool read_it = read(ends[0], &took, sizeof took) == sizeof took;
    close(ends[0]);
    waitpid(pid, nullptr, 0);
    return read_it ? took : 0;
}

int time_services(int rounds, const char* user, const std::vector<const char*>& services) {
    std::vector<std::string> times(services.size());
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t at = 0; at < services.size(); ++at) {
            const std::uint64_t took = time_one(services[at], user);
            if (took == 0) {
                std::fprintf(stderr, "%s: failed to open the session\n", services[at]);
                return 1;
            }
            times[at] += (round == 0 ? "" : ",") + std::to_string(took);
        }
    }
    for (std::size_t at = 0; at < services.size(); ++at) {
        std::printf("%s\"%s\": [%s]", at == 0 ? "{" : ", ", services[at], times[at].c_str());
    }
    std::printf("}\n");
    return 0;
}

int hold(int count, const char* user, const char* service) {
    int ends[2];
    if (pipe(ends) < 0) {
        return 1;
    }
    for (int number = 0; number < count; ++number) {
        if (fork() == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            pam_handle_t* handle = start(service, user);
            const char opened = handle != nullptr && pam_open_session(handle, 0) == PAM_SUCCESS ? '+' : '-';
            if (write(ends[1], &opened, 1) != 1) {
                std::_Exit(1);
            }
            for (;;) {
                pause();
            }
        }
        char opened = '-';
        // sequentially, because logind processes sessions one after the other anyway
        if (read(ends[0], &opened, 1) != 1 || opened != '+') {
            std::fprintf(stderr, "failed to open session %d\n", number);
            return 1;
        }
    }
    std::printf("ready\n");
    std::fflush(stdout);
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc >= 5 && std::strcmp(argv[1], "time") == 0) {
        return time_services(std::atoi(argv[2]), argv[3], {argv + 4, argv + argc});
    }
    if (argc == 5 && std::strcmp(argv[1], "hold") == 0) {
        return hold(std::atoi(argv[2]), argv[3], argv[4]);
    }
    return 2;
}
