// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sesslimit::ctl {

/// The policy file that `sesslimitctl set` changes, which is policy.d/90-set.toml in the policy directory. The object
/// owns the lock of the file, so that two programs do not change the file at the same time.
///
/// The lock is a file of its own beside the policy file, because the policy file is replaced with every change. Only
/// root can open it, so that other users cannot block changes. The names of the lock and of the temporary file start
/// with a dot, so that the daemon ignores them.
class DropIn {
  public:
    static constexpr char name[] = "90-set.toml";

    /// The steps of replace(), in this order.
    enum class Step : std::uint8_t { create, write, set_attributes, sync, rename, sync_directory };
    static constexpr Step last_step = Step::sync_directory;

    struct Options {
        /// Maximum time to wait for another program that holds the lock. It is longer than a reload of the policy.
        std::chrono::milliseconds patience = std::chrono::seconds(90);
        /// Called before each step of replace() and of restore(). Returns 0, or the errno value with which the step
        /// fails. For tests.
        std::function<int(Step)> before_step{};
    };

    /// Returns the path of the file.
    static std::filesystem::path path_in(const std::filesystem::path& policy_directory);

    /// Reads the file without a lock. Returns nullopt if the file does not exist. Errors: the file is a symbolic link,
    /// is not a regular file, does not permit its owner to write, or is larger than 1 MiB.
    static Result<std::optional<std::string>> read(const std::filesystem::path& policy_directory);

    /// Locks and reads the file. Creates policy.d if it does not exist. Errors: those of read(). ETIMEDOUT if another
    /// program did not release the lock in time. EACCES or EPERM if the caller may not write to the directory.
    static Result<DropIn> lock(const std::filesystem::path& policy_directory, Options options);

    /// Returns the text that lock() has read, or nullopt if the file did not exist.
    [[nodiscard]] const std::optional<std::string>& text() const { return text_; }

    /// Replaces the file atomically, and syncs it and its directory to the disk. Keeps the owner, the mode and the
    /// extended attributes of the file, such as its access control list. A new file has the mode 0644. After an error
    /// in a step before Step::sync_directory, the file is unchanged.
    ///
    /// Attributes of security modules (security.*) are not copied. SELinux labels the new file like any new file in the
    /// directory, as it labels a file that an editor replaces. A signature of IMA would not match the new text.
    Result<> replace(std::string_view text);
    /// Restores the text that lock() has read, or removes the file if it did not exist. Does nothing if replace() has
    /// not replaced the file.
    Result<> restore();

  private:
    explicit DropIn(Options options) : options_(std::move(options)) {}

    Result<> open_directory(const std::filesystem::path& policy_directory);
    Result<> take_lock();
    Result<> read_file();
    Result<> write_beside(std::string_view text);
    [[nodiscard]] Result<> copy_attributes(int to) const;
    [[nodiscard]] Result<> before(Step step, const char* doing) const;
    [[nodiscard]] std::string shown(const char* file) const;

    Options options_;
    std::filesystem::path directory_; ///< policy.d
    UniqueFd directory_fd_;
    UniqueFd lock_;
    std::optional<std::string> text_;
    struct stat attributes_{}; ///< of the file; unset if it did not exist
    bool replaced_ = false;
};

} // namespace sesslimit::ctl
