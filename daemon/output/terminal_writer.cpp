// SPDX-License-Identifier: MIT
#include "daemon/output/terminal_writer.hpp"

#include "common/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <string>

namespace sesslimit::output {
namespace {

constexpr std::string_view line_end = "\r\n"; // a terminal in raw mode does not add carriage returns

/// Converts the text of a notice to the bytes that are written to a terminal.
std::string written_as(std::string_view text) {
    std::string bytes = "\a";
    bytes += line_end;
    for (const char byte : text) {
        const bool control = (static_cast<unsigned char>(byte) < 0x20 && byte != '\n') || byte == 0x7F;
        const std::string_view part = byte == '\n' ? line_end : std::string_view(&byte, control ? 0 : 1);
        const bool begins_character = (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
        // Reserves space for the line end, and for 4 bytes of a UTF-8 character, which must not be split.
        if (begins_character && bytes.size() + 4 + line_end.size() > max_notice_length) {
            break;
        }
        bytes += part;
    }
    bytes += line_end;
    return bytes;
}

std::string path_of(const inspect::Terminal& terminal) {
    return "/dev/" + terminal.name;
}

Result<UniqueFd> open_terminal(const inspect::Terminal& terminal) {
    const std::string path = path_of(terminal);
    UniqueFd tty(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW));
    if (!tty) {
        return fail_errno("open " + path);
    }
    struct stat at{};
    if (fstat(tty.get(), &at) < 0 || !inspect::is_node_of(at, terminal)) {
        return fail(path + " is now a different terminal or belongs to another user");
    }
    return tty;
}

} // namespace

Result<> write_notice(const inspect::Terminal& terminal, std::string_view text) {
    const auto tty = open_terminal(terminal);
    if (!tty) {
        return std::unexpected(tty.error());
    }
    const std::string bytes = written_as(text);
    const ssize_t written = write(tty->get(), bytes.data(), bytes.size());
    if (written < 0) {
        return fail_errno("write to " + path_of(terminal));
    }
    if (static_cast<std::size_t>(written) < bytes.size()) {
        return fail(path_of(terminal) + " accepted only a part of the notice");
    }
    return {};
}

void restart_output(const inspect::Terminal& terminal) {
    if (const auto tty = open_terminal(terminal)) {
        // TCOON alone restarts only output that TCOOFF has stopped (n_tty_ioctl_helper in the kernel's
        // drivers/tty/tty_ioctl.c).
        (void)tcflow(tty->get(), TCOOFF);
        (void)tcflow(tty->get(), TCOON);
    }
}

} // namespace sesslimit::output
