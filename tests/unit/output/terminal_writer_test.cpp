// SPDX-License-Identifier: MIT
#include "common/clock.hpp"
#include "common/unique_fd.hpp"
#include "daemon/output/terminal_writer.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <termios.h>

#include <array>
#include <string>

namespace {

using namespace sesslimit;

/// A pty. The terminal's output can be read from `master`.
struct Pty {
    UniqueFd master;
    UniqueFd slave;
    inspect::Terminal terminal;

    explicit Pty(bool raw = true) {
        int ends[2] = {-1, -1};
        std::array<char, 64> name{};
        termios modes{};
        if (openpty(&ends[0], &ends[1], name.data(), nullptr, nullptr) == 0) {
            master.reset(ends[0]);
            slave.reset(ends[1]);
            tcgetattr(slave.get(), &modes);
            raw ? cfmakeraw(&modes) : void(modes.c_oflag |= OPOST | ONLCR);
            tcsetattr(slave.get(), TCSANOW, &modes);
            struct stat at{};
            (void)fstat(slave.get(), &at);
            terminal = {at.st_rdev, std::string(name.data()).substr(std::string("/dev/").size()), at.st_uid};
        }
        (void)fcntl(master.get(), F_SETFL, O_NONBLOCK);
    }
    [[nodiscard]] std::string read_all() const {
        std::string text;
        std::array<char, 4096> buffer{};
        ssize_t size = 0;
        while ((size = read(master.get(), buffer.data(), buffer.size())) > 0) {
            text.append(buffer.data(), static_cast<std::size_t>(size));
        }
        return text;
    }
};

SESSLIMIT_TEST(notice_on_separate_line_in_every_mode) {
    struct Case {
        bool raw;
        std::string_view text;
    };
    constexpr Case cases[] = {
        {true, "\a\r\nMessage from sesslimit:\r\nthis session ends in 5min\r\n"},
        {false, "\a\r\r\nMessage from sesslimit:\r\r\nthis session ends in 5min\r\r\n"},
    };
    for (const Case& one : cases) {
        const Pty pty(one.raw);
        const auto written = output::write_notice(pty.terminal, "Message from sesslimit:\nthis session ends in 5min");
        EXPECT(written.has_value(), written ? "" : written.error().what);
        EXPECT_TEXT(pty.read_all(), one.text);
    }
}

/// A notice is a single write. It contains no terminal control sequences and no partial characters.
SESSLIMIT_TEST(notice_bounded_and_control_characters_removed) {
    struct Case {
        std::string text, written;
    };
    std::string letters;
    std::string wide;
    for (std::size_t at = 0; at < 3000; ++at) {
        letters += 'x';
        wide += "\xE2\x82\xAC";
    }
    const std::size_t room = output::max_notice_length - 5; // minus the bell and two line ends
    const Case cases[] = {
        {"a\x1B[2Jb\rc\td\x7F"
         "e\x9C",
         "\a\r\na[2Jbcde\x9C\r\n"},
        {letters, "\a\r\n" + letters.substr(0, room - 3) + "\r\n"},
        {std::string(3000, '\n'), ""},
        {wide, "\a\r\n" + wide.substr(0, (room - 1) / 3 * 3) + "\r\n"},
    };
    for (const Case& one : cases) {
        const Pty pty;
        EXPECT(output::write_notice(pty.terminal, one.text).has_value(), "written");
        const std::string written = pty.read_all();
        EXPECT(written.size() <= output::max_notice_length, std::to_string(written.size()));
        if (!one.written.empty()) {
            EXPECT_TEXT(written, one.written);
        }
    }
}

/// The write returns an error immediately. A later notice is written once there is room.
SESSLIMIT_TEST(write_to_full_terminal_does_not_block) {
    const Pty pty;
    const std::string line(1000, 'x');
    const MonotonicTime before = monotonic_now();
    int taken = 0;
    while (output::write_notice(pty.terminal, line) && taken < 1000) {
        ++taken;
    }
    EXPECT(taken < 1000, "the terminal is full");
    EXPECT(!output::write_notice(pty.terminal, line).has_value(), "it stays full");
    EXPECT(monotonic_now() - before < std::chrono::seconds(20), "immediate return");
    (void)pty.read_all();
    EXPECT(output::write_notice(pty.terminal, "room").has_value(), "room again");
}

SESSLIMIT_TEST(write_to_stopped_terminal_does_not_block) {
    const Pty pty(false);
    // Ctrl-S has been processed when the line that follows it can be read.
    std::array<char, 2> line{};
    EXPECT(write(pty.master.get(), "\x13\n", 2) == 2 && read(pty.slave.get(), line.data(), line.size()) == 1, "Ctrl-S");
    const MonotonicTime before = monotonic_now();
    EXPECT(!output::write_notice(pty.terminal, "line").has_value(), "an error");
    EXPECT(monotonic_now() - before < std::chrono::seconds(20), "immediate return");
    inspect::Terminal of_another_user = pty.terminal;
    ++of_another_user.owner;
    output::restart_output(of_another_user);
    EXPECT(!output::write_notice(pty.terminal, "line").has_value(), "still stopped");
    output::restart_output(pty.terminal);
    EXPECT(output::write_notice(pty.terminal, "line").has_value(), "written after the restart");
}

SESSLIMIT_TEST(other_terminal_under_same_name_not_written) {
    const Pty pty;
    inspect::Terminal other = pty.terminal;
    other.device += 1;
    EXPECT(!output::write_notice(other, "line").has_value(), "another device");
    other = pty.terminal;
    other.owner += 1;
    EXPECT(!output::write_notice(other, "line").has_value(), "of another user");
    EXPECT_TEXT(pty.read_all(), "");
}

SESSLIMIT_TEST(non_terminal_not_written) {
    Pty pty;
    const inspect::Terminal gone = pty.terminal;
    pty.slave.reset();
    pty.master.reset();
    EXPECT(!output::write_notice(gone, "line").has_value(), "gone");
    EXPECT(!output::write_notice({0, "no/such/terminal", 0}, "line").has_value(), "never existed");
    EXPECT(!output::write_notice({0, "", 0}, "line").has_value(), "a directory");
    EXPECT(!output::write_notice({0, "stdout", 0}, "line").has_value(), "a link"); // O_NOFOLLOW
}

} // namespace
