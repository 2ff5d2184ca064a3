// SPDX-License-Identifier: MIT
#include "daemon/effects/terminal_writer.hpp"

#include "common/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace sesslimit::effects {

Result<> write_notice(const watch::Terminal& terminal, std::string_view line) {
    const std::string path = "/dev/" + terminal.name;
    const UniqueFd tty(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW));
    if (!tty) {
        return fail_errno("open " + path);
    }
    struct stat at{};
    if (fstat(tty.get(), &at) < 0 || !S_ISCHR(at.st_mode) || at.st_rdev != terminal.device) {
        return fail(path + " is another terminal by now");
    }
    // A terminal in raw mode returns no carriages of itself.
    const std::string text = "\a\r\n[sesslimit] " + std::string(line) + "\r\n";
    const ssize_t written = write(tty.get(), text.data(), text.size());
    if (written < 0) {
        return fail_errno("write to " + path);
    }
    if (static_cast<std::size_t>(written) < text.size()) {
        return fail(path + " took a part of the notice only");
    }
    return {};
}

} // namespace sesslimit::effects
