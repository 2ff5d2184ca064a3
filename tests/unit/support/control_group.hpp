// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace sesslimit::test {

/// Returns the directory of this process's control group in the unified hierarchy. Returns nothing if the hierarchy is
/// not mounted.
inline std::optional<std::filesystem::path> own_group() {
    std::ifstream file("/proc/self/cgroup");
    std::string line;
    while (std::getline(file, line)) {
        for (const std::string root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
            const std::filesystem::path group = root + (line.starts_with("0::") ? line.substr(3) : "/none");
            if (access((group / "cgroup.procs").c_str(), F_OK) == 0) {
                return group;
            }
        }
    }
    return std::nullopt;
}

/// Returns the ID of a control group. Returns 0 if it does not exist.
inline ino_t id_of(const std::filesystem::path& group) {
    struct stat status{};
    return stat(group.c_str(), &status) == 0 ? status.st_ino : 0;
}

/// A new control group below another one. Its path is empty if it cannot be created, for example without privileges, or
/// if `parent` is empty. It is removed with the object, and must not contain processes then.
class TemporaryGroup {
  public:
    explicit TemporaryGroup(const std::filesystem::path& parent)
        : path_(parent / ("sesslimit-test-" + std::to_string(getpid()))) {
        if (parent.empty() || mkdir(path_.c_str(), 0755) != 0) {
            path_.clear();
        }
    }
    TemporaryGroup(const TemporaryGroup&) = delete;
    TemporaryGroup& operator=(const TemporaryGroup&) = delete;
    ~TemporaryGroup() {
        if (!path_.empty()) {
            (void)rmdir(path_.c_str());
        }
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// Moves this process to a control group. Returns false if that is not possible.
inline bool enter(const std::filesystem::path& group) {
    std::ofstream file(group / "cgroup.procs");
    return static_cast<bool>(file << getpid() << std::flush);
}

} // namespace sesslimit::test
