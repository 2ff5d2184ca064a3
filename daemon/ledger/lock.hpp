// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"

#include <filesystem>
#include <utility>

namespace sesslimit::ledger {

/// Owner of the write lock of a file. The lock belongs to the open file description (fcntl(2), F_OFD_SETLK). It
/// excludes all other Lock objects, also those in the same process.
///
/// Boost.Interprocess has the class file_lock. It is not used, because it does not set the close-on-exec flag of its
/// descriptor, and does not expose the descriptor.
class Lock {
  public:
    /// Acquires the write lock of `file`. Creates an empty file if the file does not exist. Does not wait. Errors:
    /// EAGAIN if the file is already locked; the error of open(2) or fcntl(2).
    static Result<Lock> take(const std::filesystem::path& file);

  private:
    explicit Lock(UniqueFd file) noexcept : file_(std::move(file)) {}
    UniqueFd file_;
};

} // namespace sesslimit::ledger
