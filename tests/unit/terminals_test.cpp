// SPDX-License-Identifier: MIT
#include "daemon/watch/processes.hpp"
#include "daemon/watch/terminals.hpp"
#include "tests/unit/cmocka.hpp"
#include "tests/unit/descriptors.hpp"
#include "tests/unit/loop_bench.hpp"
#include "tests/unit/made_up_kernel.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::chrono_literals;
using watch::Terminal;

/// A host of plain files.
struct Host {
    TemporaryDirectory directory;
    watch::Roots roots{.cgroup = directory.path / "cgroup",
                       .proc = directory.path / "proc",
                       .sys = directory.path / "sys",
                       .dev = directory.path / "dev"};

    static void write(const std::filesystem::path& path, const std::string& text) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    void scope(const std::string& unit, const std::string& processes) const {
        write(roots.cgroup / "user.slice/user-1001.slice" / unit / "cgroup.procs", processes);
    }
    void process(int pid, dev_t terminal, const std::string& command = "bash") const {
        const auto packed = (major(terminal) << 8U) | (minor(terminal) & 0xFFU) | ((minor(terminal) & 0xFFF00U) << 12U);
        write(roots.proc / std::to_string(pid) / "stat", std::to_string(pid) + " (" + command + ") S 1 1 1 " +
                                                             std::to_string(static_cast<std::int32_t>(packed)) +
                                                             " 1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n");
    }
    void input_at(const std::string& name, Span wall) const {
        write(roots.dev / name, "");
        const auto second = std::chrono::floor<std::chrono::seconds>(wall);
        const timespec times[2] = {{.tv_sec = second.count(), .tv_nsec = (wall - second).count() * 1000},
                                   {.tv_sec = 0, .tv_nsec = UTIME_NOW}};
        (void)utimensat(AT_FDCWD, (roots.dev / name).c_str(), times, 0);
    }
};

warden::Session session(const std::string& scope = "session-3.scope") {
    warden::Session session;
    session.login.uid = 1001;
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

void numbers_have_names() {
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
        EXPECT_TEXT(watch::terminal_name(makedev(one.major, one.minor), host.roots).value().value_or("-"), one.name);
    }
}

void the_terminals_of_a_scope_are_found_once_each() {
    const Host host;
    host.process(10, 0); // sshd
    host.process(11, makedev(136, 7));
    host.process(12, makedev(136, 7), "a) R 9 (");
    host.process(13, makedev(136, 2));
    host.process(14, makedev(5, 0));
    Host::write(host.roots.proc / "15/stat", "rubbish");
    host.process(20, makedev(136, 9)); // of another session
    host.scope("session-3.scope", "10\n11\n12\n13\n14\n15\n16\n");
    host.scope("session-4.scope", "20\n");
    const auto found = watch::terminals_of(session(), host.roots).value();
    EXPECT_TEXT(names(found), "pts/2 pts/7 ");
    EXPECT(found.at(0).device == makedev(136, 2), "with its number");
}

void without_a_scope_there_are_none() {
    const Host host;
    host.process(20, makedev(136, 9));
    host.scope("session-4.scope", "20\n");
    host.scope("cgroup", "20\n");
    Host::write(host.roots.cgroup / "user.slice/cgroup.procs", "20\n");
    for (const char* scope :
         {"", ".", "..", "../session-4.scope", "session-4.scope/../session-4.scope", ".hidden", "session-5.scope"}) {
        EXPECT_TEXT(names(watch::terminals_of(session(scope), host.roots).value()), "");
    }
}

/// Which is not to have none: whoever takes it for that ends a session that is used.
void without_descriptors_nobody_can_tell() {
    const Host host;
    host.process(11, makedev(136, 7));
    host.scope("session-3.scope", "11\n");
    Host::write(host.roots.sys / "dev/char/4:64/uevent", "DEVNAME=ttyS0\n");
    const auto found = with_descriptors(0, [&] { return watch::terminals_of(session(), host.roots); });
    EXPECT(!found && found.error().code == EMFILE, "the processes");
    const auto name = with_descriptors(0, [&] { return watch::terminal_name(makedev(4, 64), host.roots); });
    EXPECT(!name && name.error().code == EMFILE, "the name of one that has no fixed one");
    const auto again = with_descriptors(1, [&] { return watch::terminals_of(session(), host.roots); });
    EXPECT_TEXT(names(again.value()), "pts/7 ");
}

void a_crowd_is_not_looked_at_for_ever() {
    const Host host;
    std::string processes;
    for (std::size_t pid = 1; pid <= watch::most_processes; ++pid) {
        processes += "1\n";
    }
    host.process(1, makedev(136, 1));
    host.process(2, makedev(136, 2));
    host.scope("session-3.scope", processes + "2\n");
    EXPECT_TEXT(names(watch::terminals_of(session(), host.roots).value()), "pts/1 ");
}

void the_youngest_input_counts() {
    const Host host;
    host.input_at("pts/1", 1'700'000'000s);
    host.input_at("pts/2", 1'700'000'008s);
    host.input_at("tty1", 1'700'000'004s + 500ms);
    host.input_at("pts/3", -100s); // its owner may write any time there
    struct Case {
        std::vector<Terminal> terminals;
        std::optional<Span> input;
    };
    const Case cases[] = {
        {{}, std::nullopt},
        {{{0, "pts/9"}}, std::nullopt},
        {{{0, "pts/3"}}, 0s},
        {{{0, "pts/1"}}, 1'700'000'000s},
        {{{0, "tty1"}}, 1'700'000'004s + 500ms},
        {{{0, "pts/1"}, {0, "pts/2"}, {0, "tty1"}}, 1'700'000'008s},
        {{{0, "pts/2"}, {0, "pts/9"}, {0, "pts/1"}}, 1'700'000'008s},
    };
    for (const Case& one : cases) {
        EXPECT(watch::youngest_input(one.terminals, host.roots).value() == one.input, names(one.terminals));
    }
}

void without_memory_nobody_can_tell() {
    const Host host;
    host.input_at("pts/1", 1'700'000'000s);
    const int error = in_a_child(0, [&] {
        const bool failing = fails_from_now_on(SYS_newfstatat, ENOMEM);
        const auto input = watch::youngest_input({{0, "pts/1"}}, host.roots);
        const auto output = watch::youngest_output({{0, "pts/1"}}, host.roots);
        return failing && !input && !output && input.error().code == output.error().code ? input.error().code : -1;
    });
    EXPECT(error == ENOMEM, "which is not to have none");
}

/// Its number was given to another terminal meanwhile: that one's input is somebody else's.
void another_device_under_the_name_is_not_asked() {
    struct stat null{};
    EXPECT(stat("/dev/null", &null) == 0, "there");
    EXPECT(watch::youngest_input({{null.st_rdev, "null"}}).value().has_value(), "the same");
    EXPECT(!watch::youngest_input({{null.st_rdev + 1, "null"}}).value().has_value(), "another");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(numbers_have_names),
        SESSLIMIT_TEST(the_terminals_of_a_scope_are_found_once_each),
        SESSLIMIT_TEST(without_descriptors_nobody_can_tell),
        SESSLIMIT_TEST(without_memory_nobody_can_tell),
        SESSLIMIT_TEST(without_a_scope_there_are_none),
        SESSLIMIT_TEST(a_crowd_is_not_looked_at_for_ever),
        SESSLIMIT_TEST(the_youngest_input_counts),
        SESSLIMIT_TEST(another_device_under_the_name_is_not_asked),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
