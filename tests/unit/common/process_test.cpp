// SPDX-License-Identifier: MIT
#include "common/process.hpp"

#include "tests/unit/support/cmocka.hpp"

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>

using namespace sesslimit;

namespace {

// In this line, field 22 is 8765, and tty_nr 34817 is /dev/pts/1 (136:1).
const std::string after_name = " S 1 99 99 34817 99 4194304 1 2 3 4 5 6 7 8 20 0 1 0 8765 1000 20 184467440 1 1 0\n";

struct StatCase {
    const char* name;
    std::string text;
    bool good;
    ProcessStat stat{};
};

std::string with_fields(const std::string& terminal, const std::string& start) {
    return "7 (x) S 1 2 3 " + terminal + " -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " + start + " 9\n";
}

const ProcessStat usual{.start = 8765, .terminal = makedev(136, 1), .parent = 1, .session = 99};

const StatCase stat_cases[] = {
    {"usual", "99 (bash)" + after_name, true, usual},
    {"empty name", "99 ()" + after_name, true, usual},
    {"name that ends a field list", "99 (a) R 1 2 (b)" + after_name, true, usual},
    {"name with a whole line in it", "99 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 666 )" + after_name,
     true, usual},
    {"name of brackets and line feeds", "99 ()))\n(((\n)" + after_name, true, usual},
    {"name with every odd byte", "99 (\xff\x01\t ')" + after_name, true, usual},
    {"no terminal", with_fields("0", "5"), true, {.start = 5, .terminal = 0}},
    {"console", with_fields("1025", "5"), true, {.start = 5, .terminal = makedev(4, 1)}},
    {"pts/255", with_fields("35071", "5"), true, {.start = 5, .terminal = makedev(136, 255)}},
    {"pts/256 has its minor's high bits on top",
     with_fields("1083392", "5"),
     true,
     {.start = 5, .terminal = makedev(136, 256)}},
    {"highest minor, printed as negative",
     with_fields("-1", "5"),
     true,
     {.start = 5, .terminal = makedev(0xfff, 0xfffff)}},
    {"parent of letters", "7 (x) S a 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 9\n", false},
    {"session beyond an int", "7 (x) S 1 2 2147483648 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 9\n", false},
    {"terminal beyond an int", with_fields("2147483648", "5"), false},
    {"terminal of letters", with_fields("abc", "5"), false},
    {"longest start", with_fields("0", "18446744073709551615"), true, {.start = ~std::uint64_t{0}, .terminal = 0}},
    {"start beyond 64 bits", with_fields("0", "18446744073709551616"), false},
    {"start of a thousand digits", with_fields("0", std::string(1000, '9')), false},
    {"negative start", with_fields("0", "-5"), false},
    {"start with a tail", with_fields("0", "5x"), false},
    {"start in hexadecimal", with_fields("0", "0x5"), false},
    {"two spaces", with_fields(" 0", "5"), false},
    {"long state", "7 (x) SS 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 9\n", false},
    {"no pid", "(bash)" + after_name, false},
    {"pid of letters", "9a (bash)" + after_name, false},
    {"no bracket", "99 bash" + after_name, false},
    {"brackets in reverse order", "99 )(" + after_name, false},
    {"bracket is the last byte", "99 (bash)", false},
    {"no space after the name", "99 (bash)S 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 9\n", false},
    {"empty", "", false},
    {"only brackets", "()", false},
};

SESSLIMIT_TEST(stat_text_parsed) {
    for (const StatCase& test : stat_cases) {
        const auto stat = parse_process_stat(test.text);
        EXPECT(stat.has_value() == test.good, test.name);
        EXPECT(!stat || stat->start == test.stat.start, test.name);
        EXPECT(!stat || stat->terminal == test.stat.terminal, test.name);
        EXPECT(!stat || test.stat.parent == 0 || stat->parent == test.stat.parent, test.name);
        EXPECT(!stat || test.stat.session == 0 || stat->session == test.stat.session, test.name);
    }
}

SESSLIMIT_TEST(command_name_parsed) {
    struct Case {
        std::string text;
        std::string_view command;
    };
    const Case cases[] = {
        {"99 (bash)" + after_name, "bash"},
        {"99 (tmux: server)" + after_name, "tmux: server"},
        {"99 ()" + after_name, ""},
        {"99 (a) R 1 2 (b)" + after_name, "a) R 1 2 (b"},
        {"99 ()))\n(((\n)" + after_name, ")))\n(((\n"},
        // the name of a kernel thread may be longer
        {"99 (" + std::string(64, 'x') + ")" + after_name, "xxxxxxxxxxxxxxx"},
        {"99 )(" + after_name, ""},
        {"99 bash", ""},
        {"", ""},
    };
    for (const Case& test : cases) {
        EXPECT_TEXT(command_of(test.text), test.command);
    }
}

SESSLIMIT_TEST(truncated_stat_rejected) {
    const std::string whole = with_fields("34817", "8765");
    // up to the separator after the number, which shows that the number is complete
    const std::size_t enough = whole.find(" 8765 ") + 6;
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const auto stat = parse_process_stat(std::string_view(whole).substr(0, size));
        EXPECT(stat.has_value() == (size >= enough), whole.substr(0, size));
        EXPECT(!stat || stat->start == 8765, whole.substr(0, size));
    }
}

SESSLIMIT_TEST(stat_of_live_and_dead_processes_read) {
    const auto own = read_process_stat(getpid());
    const auto parent = read_process_stat(getppid());
    const pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
    const auto dead = read_process_stat(child); // not reaped yet, so it still exists
    waitpid(child, nullptr, 0);

    EXPECT(own.has_value() && own->start > 0, "own");
    EXPECT(parent.has_value() && parent->start <= own->start, "the parent is older");
    EXPECT(dead.has_value() && dead->start >= own->start, "the child is younger");
    EXPECT(!read_process_stat(child), "it is gone");
    EXPECT(!read_process_stat(0) && !read_process_stat(-1), "no process");
    EXPECT(!read_process_stat(2'147'483'647), "no such process");
    EXPECT(read_process_stat(child).error() == ESRCH && read_process_stat(0).error() == ESRCH, "reported as ESRCH");
}

SESSLIMIT_TEST(descriptor_exhaustion_reported_by_stat) {
    rlimit before{};
    (void)getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    (void)setrlimit(RLIMIT_NOFILE, &none);
    const auto own = read_process_stat(getpid());
    (void)setrlimit(RLIMIT_NOFILE, &before);
    EXPECT(!own && own.error() == EMFILE, "an error, not a missing process");
}

/// Returns the error of read_process_stat() in a /proc that hides other users' processes, 0 on success. Returns no
/// value if such a /proc cannot be mounted.
std::optional<int> read_where_hidden(pid_t pid) {
    constexpr int denied = 255;
    const pid_t child = fork();
    if (child == 0) {
        const bool hidden = unshare(CLONE_NEWNS) == 0 &&
                            mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                            mount("proc", "/proc", "proc", 0, "hidepid=invisible") == 0 && setgroups(0, nullptr) == 0 &&
                            setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0;
        const auto stat = read_process_stat(pid == 0 ? getpid() : pid);
        _exit(!hidden ? denied : stat ? 0 : stat.error());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status) == denied ? std::nullopt : std::optional(WEXITSTATUS(status));
}

SESSLIMIT_TEST(hidden_stat_reported_as_denied) {
    const auto own = read_where_hidden(0);
    if (!own) {
        skip(); // only root can mount a /proc and become a user who cannot see the others
    }
    const auto other = read_where_hidden(getpid());
    const auto nobody = read_where_hidden(2'147'483'647);
    EXPECT(own == 0, "the own process is visible");
    EXPECT(other == EACCES, "another user's process is denied, not missing");
    EXPECT(nobody == ESRCH, "a missing process is missing");
}

struct ScopeCase {
    const char* text;
    bool inside;
};

const ScopeCase scope_cases[] = {
    {"0::/user.slice/user-1000.slice/session-3.scope\n", true},
    {"0::/user.slice/user-1000.slice/session-c12.scope", true},
    {"0::/user.slice/user-1000.slice/session-3.scope/below/it\n", true},
    {"0::/session-3.scope\n", false},
    {"12:pids:/user.slice\n1:name=systemd:/x\n0::/user.slice/user-0.slice/session-3.scope\n", true},
    {"12:pids:/user.slice/session-3.scope\n0::/system.slice/ssh.service\n", false},
    {"10::/session-3.scope\n", false},
    {"0::/system.slice/ssh.service\n", false},
    {"0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", false},
    {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/session-77.scope\n", false},
    {"0::/user.slice/user-1000.slice/user@1000.service/user.slice/user-1000.slice/session-77.scope\n", false},
    {"0::/user.slice/user-1000.slice/app.slice/session-77.scope\n", false},
    {"0::/user.slice/user-alice.slice/session-77.scope\n", false},
    {"0::/user.slice/user-.slice/session-77.scope\n", false},
    {"0::/system.slice/user-1000.slice/session-77.scope\n", false},
    {"0::user.slice/user-1000.slice/session-77.scope\n", false},
    {"0::/user.slice/session-.scope\n", false},
    {"0::/user.slice/session-3.scope.d\n", false},
    {"0::/user.slice/session-3.service\n", false},
    {"0::/user.slice/my-session-3.scope\n", false},
    {"0::/user.slice/session-3.5.scope\n", false},
    {"0::/user.slice/session-a b.scope\n", false},
    {"0::/user.slice/session-/3.scope\n", false},
    {"0::/user.slice/session-3.scop", false},
    {"0:", false},
    {"0::", false},
    {"0::/", false},
    {"\n\n\n", false},
    {"", false},
};

SESSLIMIT_TEST(session_scope_recognized_in_cgroup_text) {
    for (const ScopeCase& test : scope_cases) {
        EXPECT(in_session_scope(test.text) == test.inside, test.text);
    }
}

} // namespace
