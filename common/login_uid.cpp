// SPDX-License-Identifier: MIT
#include "common/login_uid.hpp"

#include "common/process.hpp"
#include "common/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>

namespace sesslimit {

std::optional<uid_t> parse_login_uid(std::string_view text) noexcept {
    if (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    std::uint32_t uid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
    const bool valid = error == std::errc() && end == text.data() + text.size() && uid != UINT32_MAX;
    return valid ? std::optional<uid_t>(uid) : std::nullopt;
}

std::optional<uid_t> login_uid_of(int pidfd, pid_t pid, std::optional<uid_t> owner) noexcept {
    std::array<char, 32> path{};
    (void)std::snprintf(path.data(), path.size(), "/proc/%d/loginuid", pid);
    const UniqueFd file(::open(path.data(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) {
        return std::nullopt;
    }
    struct stat status{};
    if (owner && (::fstat(file.get(), &status) != 0 || status.st_uid != *owner)) {
        return std::nullopt;
    }
    std::array<char, 16> text{};
    const ssize_t size = ::read(file.get(), text.data(), text.size());
    // The process is still alive after its file was read. Therefore the file does not belong to a later process with
    // the same PID.
    if (size <= 0 || !lives(pidfd)) {
        return std::nullopt;
    }
    return parse_login_uid({text.data(), static_cast<std::size_t>(size)});
}

} // namespace sesslimit
