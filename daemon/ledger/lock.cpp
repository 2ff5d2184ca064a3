// SPDX-License-Identifier: MIT
#include "daemon/ledger/lock.hpp"

#include <fcntl.h>

#include <cerrno>

namespace sesslimit::ledger {

Result<Lock> Lock::take(const std::filesystem::path& file) {
    UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600));
    if (!fd) {
        return fail_errno("open " + file.string());
    }
    struct flock whole_file{};
    whole_file.l_type = F_WRLCK;
    whole_file.l_whence = SEEK_SET;
    if (::fcntl(fd.get(), F_OFD_SETLK, &whole_file) == 0) {
        return Lock(std::move(fd));
    }
    if (errno == EAGAIN) {
        return fail(file.string() + ": locked by another process", EAGAIN);
    }
    return fail_errno("lock " + file.string());
}

} // namespace sesslimit::ledger
