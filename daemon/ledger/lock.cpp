// SPDX-License-Identifier: MIT
#include "daemon/ledger/lock.hpp"

#include "common/unique_fd.hpp"

#include <boost/interprocess/exceptions.hpp>

#include <fcntl.h>
#include <sys/stat.h>

namespace sesslimit::ledger {
namespace {

bool is_the_file(int fd, const std::filesystem::path& file) {
    struct stat of_fd{};
    struct stat of_name{};
    return ::fstat(fd, &of_fd) == 0 && ::stat(file.c_str(), &of_name) == 0 && of_fd.st_dev == of_name.st_dev &&
           of_fd.st_ino == of_name.st_ino;
}

/// Sets the close-on-exec flag of the descriptor that boost::interprocess::file_lock has opened. The class opens the
/// file without O_CLOEXEC and does not expose its descriptor. open(2) returns the lowest free descriptor. The
/// descriptor is therefore `fd`, which was the lowest free descriptor immediately before the call.
void close_on_exec(int fd, const std::filesystem::path& file) {
    if (is_the_file(fd, file)) {
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

} // namespace

Result<Lock> Lock::take(const std::filesystem::path& file) {
    UniqueFd made(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600));
    if (!made) {
        return fail_errno("open " + file.string());
    }
    const int lowest = made.get();
    made.reset();
    try {
        boost::interprocess::file_lock lock(file.c_str());
        close_on_exec(lowest, file);
        if (!lock.try_lock()) {
            return fail(file.string() + ": locked by another process", EAGAIN);
        }
        return Lock(std::move(lock));
    } catch (const boost::interprocess::interprocess_exception& error) {
        return fail_errno("lock " + file.string(), error.get_native_error());
    }
}

} // namespace sesslimit::ledger
