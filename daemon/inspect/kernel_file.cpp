// SPDX-License-Identifier: MIT
#include "daemon/inspect/kernel_file.hpp"

#include "common/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace sesslimit::inspect {
namespace {

using Text = std::optional<std::string>;

Result<Text> without(const std::filesystem::path& path, int error) {
    if (keeps_from_telling(error)) {
        return fail_errno("read " + path.string(), error);
    }
    return Text{};
}

} // namespace

bool keeps_from_telling(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

Result<Text> read_kernel_file(const std::filesystem::path& path, std::size_t most) {
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) {
        return without(path, errno);
    }
    std::string text(most, '\0');
    std::size_t length = 0;
    while (length < most) {
        const ssize_t got = read(file.get(), text.data() + length, most - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return without(path, errno);
        }
        if (got == 0) {
            break;
        }
        length += static_cast<std::size_t>(got);
    }
    text.resize(length);
    return text;
}

} // namespace sesslimit::inspect
