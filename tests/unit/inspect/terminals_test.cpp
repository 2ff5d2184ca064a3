// SPDX-License-Identifier: MIT
#include "daemon/inspect/processes.hpp"
#include "daemon/inspect/terminal_snapshot.hpp"
#include "daemon/inspect/terminals.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/descriptors.hpp"
#include "tests/unit/support/fake_kernel.hpp"
#include "tests/unit/support/loop_bench.hpp"
#include "tests/unit/support/pty.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <fstream>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::chrono_literals;
using inspect::Terminal;

/// A simulated host of plain files, except for its terminals, which are real.
struct Host {
    TemporaryDirectory directory;
    inspect::SysPaths roots{.cgroup = directory.path / "cgroup",
                            .proc = directory.path / "proc",
                            .sys = directory.path / "sys",
                            .dev = "/dev"};

    Host() { write(roots.proc / "self/uid_map", initial_namespace); }

    static constexpr const char* initial_namespace = "         0          0 4294967295\n";
    static constexpr const char* other_namespace = "      1001       1001          1\n";

    static void write(const std::filesystem::path& path, const std::string& text) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    void scope(const std::string& unit, const std::string& processes, uid_t uid = getuid()) const {
        write(roots.cgroup / "user.slice" / inspect::slice_name(uid) / unit / "cgroup.procs", processes);
    }
    void process(int pid, dev_t terminal, const std::string& command = "bash",
                 const std::string& uid_map = initial_namespace) const {
        const auto packed = (major(terminal) << 8U) | (minor(terminal) & 0xFFU) | ((minor(terminal) & 0xFFF00U) << 12U);
        write(roots.proc / std::to_string(pid) / "stat", std::to_string(pid) + " (" + command + ") S 1 1 1 " +
                                                             std::to_string(static_cast<std::int32_t>(packed)) +
                                                             " 1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n");
        write(roots.proc / std::to_string(pid) / "uid_map", uid_map);
    }
};

void input_at(const Pty& pty, Duration wall) {
    const auto second = std::chrono::floor<std::chrono::seconds>(wall);
    const timespec times[2] = {{.tv_sec = second.count(), .tv_nsec = (wall - second).count() * 1000},
                               {.tv_sec = 0, .tv_nsec = UTIME_NOW}};
    (void)futimens(pty.slave.get(), times);
}

core::Session session(const std::string& scope = "session-3.scope") {
    core::Session session;
    session.login.uid = getuid();
    session.scope = scope;
    return session;
}

std::string names(const std::vector<Terminal>& terminals) {
    std::string text;
    for (const Terminal& terminal : terminals) {
        text += terminal.name + " ";
    }
    return text;
}

SESSLIMIT_TEST(device_numbers_map_to_names) {
    const Host host;
    Host::write(host.roots.sys / "dev/char/4:64/uevent", "MAJOR=4\nMINOR=64\nDEVNAME=ttyS0\n");
    Host::write(host.roots.sys / "dev/char/250:0/uevent", "DEVNAME=../../etc/passwd\n");
    Host::write(host.roots.sys / "dev/char/251:0/uevent", "MAJOR=251\n");
    struct Case {
        unsigned major;
        unsigned minor;
        std::string_view name;
    };
    constexpr Case cases[] = {{136, 0, "pts/0"},
                              {136, 255, "pts/255"},
                              {137, 0, "pts/256"},
                              {143, 255, "pts/2047"},
                              {136, 1000, "pts/1000"},
                              {4, 1, "tty1"},
                              {4, 63, "tty63"},
                              {4, 64, "ttyS0"},
                              {4, 0, "-"},
                              {5, 0, "-"},
                              {135, 0, "-"},
                              {144, 0, "-"},
                              {250, 0, "-"},
                              {251, 0, "-"},
                              {0, 0, "-"}};
    for (const Case& one : cases) {
        EXPECT_TEXT(inspect::terminal_name(makedev(one.major, one.minor), host.roots).value().value_or("-"), one.name);
    }
}

/// Returns the names of these terminals, ordered by device number.
std::string names_of(std::vector<Terminal> terminals) {
    std::ranges::sort(terminals, {}, &Terminal::device);
    return names(terminals);
}

SESSLIMIT_TEST(terminals_of_scope_found_once_each) {
    const Host host;
    const Pty first;
    const Pty second;
    const Pty third;
    host.process(10, 0); // sshd
    host.process(11, first.terminal.device);
    host.process(12, first.terminal.device, "a) R 9 (");
    host.process(13, second.terminal.device);
    host.process(14, makedev(5, 0));
    Host::write(host.roots.proc / "15/stat", "rubbish");
    host.process(20, third.terminal.device); // in another session
    host.scope("session-3.scope", "10\n11\n12\n13\n14\n15\n16\n");
    host.scope("session-4.scope", "20\n");
    const auto found = inspect::terminals_of(session(), host.roots).value();
    EXPECT_TEXT(names(found), names_of({first.terminal, second.terminal}));
    EXPECT(std::ranges::find(found, first.terminal) != found.end(), "with its number and owner");
}

/// The number of a controlling terminal is not sufficient: each instance of devpts has a terminal with that number.
SESSLIMIT_TEST(terminals_of_other_devpts_or_owner_ignored) {
    const Host host;
    const Pty pty;
    const dev_t number = pty.terminal.device;
    host.process(11, number);
    host.process(12, number, "script", Host::other_namespace);
    host.process(13, makedev(143, 255), "bash"); // /dev has no such node
    host.process(14, number, "bash", "");
    const uid_t other = getuid() + 1;
    struct Case {
        std::string_view about;
        const char* processes;
        uid_t user;
        bool found;
    };
    const Case cases[] = {
        {"own terminal", "11\n", getuid(), true},
        {"terminal of another user", "11\n", other, false},
        {"in a namespace with a separate devpts", "12\n", getuid(), false},
        {"a shell outside of that namespace has it too", "12\n11\n", getuid(), true},
        {"no node", "13\n", getuid(), false},
        {"a process that exits", "14\n", getuid(), false},
    };
    for (const Case& one : cases) {
        core::Session asked = session();
        asked.login.uid = one.user;
        host.scope("session-3.scope", one.processes, one.user);
        EXPECT_TEXT(names(inspect::terminals_of(asked, host.roots).value()), one.found ? names({pty.terminal}) : "");
    }
}

SESSLIMIT_TEST(no_terminals_without_valid_scope) {
    const Host host;
    const Pty pty;
    host.process(20, pty.terminal.device);
    host.scope("session-4.scope", "20\n");
    host.scope("cgroup", "20\n");
    Host::write(host.roots.cgroup / "user.slice/cgroup.procs", "20\n");
    for (const char* scope :
         {"", ".", "..", "../session-4.scope", "session-4.scope/../session-4.scope", ".hidden", "session-5.scope"}) {
        EXPECT_TEXT(names(inspect::terminals_of(session(scope), host.roots).value()), "");
    }
}

/// An error must not be reported as an empty list: a session in use would be terminated as idle.
SESSLIMIT_TEST(descriptor_exhaustion_reported_as_error) {
    const Host host;
    const Pty pty;
    host.process(11, pty.terminal.device);
    host.scope("session-3.scope", "11\n");
    Host::write(host.roots.sys / "dev/char/4:64/uevent", "DEVNAME=ttyS0\n");
    const auto found = with_descriptors(0, [&] { return inspect::terminals_of(session(), host.roots); });
    EXPECT(!found && found.error().code == EMFILE, "the processes");
    const auto name = with_descriptors(0, [&] { return inspect::terminal_name(makedev(4, 64), host.roots); });
    EXPECT(!name && name.error().code == EMFILE, "a name that must be looked up");
    const auto again = with_descriptors(1, [&] { return inspect::terminals_of(session(), host.roots); });
    EXPECT_TEXT(names(again.value()), names({pty.terminal}));
}

SESSLIMIT_TEST(number_of_inspected_processes_bounded) {
    const Host host;
    const Pty first;
    const Pty second;
    std::string processes;
    for (std::size_t pid = 1; pid <= inspect::max_processes; ++pid) {
        processes += "1\n";
    }
    host.process(1, first.terminal.device);
    host.process(2, second.terminal.device);
    host.scope("session-3.scope", processes + "2\n");
    EXPECT_TEXT(names(inspect::terminals_of(session(), host.roots).value()), names({first.terminal}));
}

SESSLIMIT_TEST(snapshot_searches_only_open_session) {
    const Host host;
    const Pty pty;
    host.scope("session-3.scope", "501\n");
    host.process(501, pty.terminal.device);
    core::Session opened = session();
    using core::Phase;
    for (const Phase phase : {Phase::admitted, Phase::active, Phase::ending, Phase::closed, Phase::left_behind}) {
        opened.phase = phase;
        const bool is_searched = phase != Phase::admitted && phase != Phase::closed;
        const inspect::TerminalSnapshot snapshot = inspect::read_terminal_snapshot(opened, host.roots);
        EXPECT(snapshot.terminals.size() == (is_searched ? 1U : 0U) && snapshot.input.has_value() == is_searched,
               "phase " + std::to_string(static_cast<int>(phase)));
    }
}

SESSLIMIT_TEST(latest_input_of_terminals_returned) {
    const Pty first;
    const Pty second;
    const Pty third;
    input_at(first, 1'700'000'000s);
    input_at(second, 1'700'000'008s);
    input_at(third, -100s); // the owner may set any time
    Terminal gone = first.terminal;
    gone.name = "pts/no-such-terminal";
    struct Case {
        std::vector<Terminal> terminals;
        std::optional<Duration> input;
    };
    const Case cases[] = {
        {{}, std::nullopt},
        {{gone}, std::nullopt},
        {{third.terminal}, 0s},
        {{first.terminal}, 1'700'000'000s},
        {{first.terminal, second.terminal, third.terminal}, 1'700'000'008s},
        {{second.terminal, gone, first.terminal}, 1'700'000'008s},
    };
    for (const Case& one : cases) {
        EXPECT(inspect::youngest_input(one.terminals).value() == one.input, names(one.terminals));
    }
}

SESSLIMIT_TEST(memory_exhaustion_reported_as_error) {
    const Pty pty;
    const int error = in_a_child(0, [&] {
        const bool failing = fails_from_now_on(SYS_newfstatat, ENOMEM);
        const auto input = inspect::youngest_input({pty.terminal});
        const auto output = inspect::youngest_output({pty.terminal});
        return failing && !input && !output && input.error().code == output.error().code ? input.error().code : -1;
    });
    EXPECT(error == ENOMEM, "an error, not an empty result");
}

/// The number of a closed pty is reused for the next one, which may belong to another user.
SESSLIMIT_TEST(other_device_or_owner_under_same_name_ignored) {
    const Pty pty;
    EXPECT(inspect::youngest_input({pty.terminal}).value().has_value(), "same terminal");
    Terminal other = pty.terminal;
    other.device += 1;
    EXPECT(!inspect::youngest_input({other}).value().has_value(), "another device");
    other = pty.terminal;
    other.owner += 1;
    EXPECT(!inspect::youngest_input({other}).value().has_value(), "another owner");
}

} // namespace
