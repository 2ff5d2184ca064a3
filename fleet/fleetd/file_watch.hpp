// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/event_loop.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace sesslimit::fleet {

/// Watches the directories of files with inotify(7). Files are replaced one after the other, therefore a change is
/// reported after a pause without changes.
class FileWatch {
  public:
    static constexpr auto settle_time = std::chrono::seconds(1);

    /// `changed` is called after entries of the directories of `files` have changed, which need not be these files.
    /// Lifetime: `loop` must outlive the watch. Errors: a directory does not exist, or no watches or descriptors are
    /// left.
    static Result<std::unique_ptr<FileWatch>> make(sd_event* loop, const std::vector<std::filesystem::path>& files,
                                                   std::function<void()> changed);

    FileWatch(const FileWatch&) = delete;
    FileWatch& operator=(const FileWatch&) = delete;

  private:
    FileWatch(sd_event* loop, std::function<void()> changed)
        : changed_(std::move(changed)), settled_(loop, CLOCK_MONOTONIC, changed_) {}

    void drain();

    std::function<void()> changed_;
    UniqueFd inotify_{};
    EventSource source_{};
    Timer settled_;
};

} // namespace sesslimit::fleet
