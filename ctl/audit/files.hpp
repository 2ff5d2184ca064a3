// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sesslimit::audit {

/// A file with its contents.
struct TextFile {
    std::string path; ///< path on the host itself, without the directory that replaces its root
    std::string text;
    std::string error; ///< reason for which the file could not be read; empty on success
};

/// The files of a host that the audit needs.
class Files {
  public:
    Files() = default;
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;
    virtual ~Files() = default;

    /// Returns the files that match `pattern`, an absolute glob(7) pattern, sorted by bytes. Directories are omitted.
    /// The text of a special file is empty.
    [[nodiscard]] virtual std::vector<TextFile> matching(const std::string& pattern) = 0;
};

/// The files below `root`. A file over 1 MiB has an error. One pattern returns at most 1000 files.
class HostFiles final : public Files {
  public:
    explicit HostFiles(std::filesystem::path root) : root_(std::move(root)) {}
    [[nodiscard]] std::vector<TextFile> matching(const std::string& pattern) override;

  private:
    std::filesystem::path root_;
};

} // namespace sesslimit::audit
