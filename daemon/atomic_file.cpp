// SPDX-License-Identifier: MIT
#include "daemon/atomic_file.hpp"

#include "common/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace sesslimit {
namespace {

Result<> write_all(const UniqueFd& file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(file.get(), text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            return fail_errno("write to the file");
        }
        text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
    return {};
}

} // namespace

Result<> replace_file(const std::filesystem::path& file, std::string_view text) {
    const std::string beside = file.string() + ".new";
    const UniqueFd out(open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!out) {
        return fail_errno("create " + beside);
    }
    if (auto done = write_all(out, text); !done) {
        (void)unlink(beside.c_str());
        return fail(beside + ": " + done.error().what, done.error().code);
    }
    if (rename(beside.c_str(), file.c_str()) < 0) {
        return fail_errno("rename " + beside);
    }
    return {};
}

} // namespace sesslimit
