// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <boost/interprocess/sync/file_lock.hpp>

#include <filesystem>
#include <utility>

namespace sesslimit::ledger {

/// Holds a file's write lock (fcntl(2), F_SETLK) for as long as it lives, against other processes: not against another
/// Lock of this one, and it is lost when this process closes any other descriptor of the file.
class Lock {
  public:
    /// Makes the file, empty, where there is none. Does not wait: fails where another process holds the lock.
    /// Its descriptor is close-on-exec, unless another thread opens a file at the same moment.
    static Result<Lock> take(const std::filesystem::path& file);

  private:
    explicit Lock(boost::interprocess::file_lock&& lock) noexcept : lock_(std::move(lock)) {}
    boost::interprocess::file_lock lock_;
};

} // namespace sesslimit::ledger
