// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <boost/interprocess/sync/file_lock.hpp>

#include <filesystem>
#include <utility>

namespace sesslimit::ledger {

/// Owner of the write lock of a file (fcntl(2), F_SETLK). The lock excludes other processes, but not another Lock
/// object in the same process. The lock is lost if the process closes any other descriptor of the file.
class Lock {
  public:
    /// Acquires the write lock of `file`. Creates an empty file if the file does not exist. Does not wait, but fails if
    /// another process has the lock. The descriptor is close-on-exec, unless another thread opens a file at the same
    /// moment.
    static Result<Lock> take(const std::filesystem::path& file);

  private:
    explicit Lock(boost::interprocess::file_lock&& lock) noexcept : lock_(std::move(lock)) {}
    boost::interprocess::file_lock lock_;
};

} // namespace sesslimit::ledger
