// SPDX-License-Identifier: MIT
#include "ctl/cli/terminal.hpp"

#include "common/clock.hpp"
#include "ctl/cli/pager.hpp"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sesslimit::ctl {
namespace {

constexpr std::size_t usual_width = 80;
constexpr std::size_t widest = 10'000; // Values of COLUMNS from 10000 on are ignored.

std::string_view environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string_view() : value;
}

/// Returns the width of the terminal in columns. The environment variable COLUMNS has precedence over the width that
/// the kernel reports, because the user has set COLUMNS on purpose. systemd's tools do the same.
std::size_t terminal_width() {
    const std::string_view columns = environment("COLUMNS");
    std::size_t width = 0;
    const auto [end, error] = std::from_chars(columns.data(), columns.data() + columns.size(), width);
    if (error == std::errc() && end == columns.data() + columns.size() && width > 0 && width < widest) {
        return width;
    }
    winsize size{};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : usual_width;
}

Style style_of(const Terminal::Wishes& wishes, bool on_terminal) {
    Style style;
    style.json = wishes.json;
    style.legend = wishes.legend;
    style.unicode = std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    style.colour = on_terminal && environment("NO_COLOR").empty() && environment("TERM") != "dumb"; // no-color.org
    if (on_terminal) {
        style.width = terminal_width();
    }
    return style;
}

bool write_out(std::FILE* stream, std::string_view text) {
    return std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0;
}

} // namespace

Terminal::Terminal(const Wishes& wishes) {
    const bool on_terminal = isatty(STDOUT_FILENO) == 1;
    style_ = style_of(wishes, on_terminal);
    pages_ = on_terminal && wishes.pager;
    can_ask_ = wishes.ask && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

Usec Terminal::now() const {
    return static_cast<Usec>(wall_now().time_since_epoch().count());
}

void Terminal::print(std::string_view text) {
    lost_output_ = !write_out(stdout, text) || lost_output_;
}

void Terminal::page(std::string_view text) {
    if (!pages_ || !through_pager(text)) {
        print(text);
    }
}

void Terminal::complain(std::string_view message) {
    write_out(stderr, "sesslimitctl: ");
    write_out(stderr, message);
    write_out(stderr, "\n");
}

bool Terminal::ask(std::string_view text) {
    write_out(stderr, text);
    std::array<char, 64> line{};
    if (std::fgets(line.data(), static_cast<int>(line.size()), stdin) == nullptr) {
        write_out(stderr, "\n");
        return false;
    }
    const std::string_view answer(line.data());
    return answer == "y\n" || answer == "Y\n" || answer == "yes\n" || answer == "YES\n" || answer == "Yes\n";
}

} // namespace sesslimit::ctl
