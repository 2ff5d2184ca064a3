// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sesslimit::audit {

struct TextFile {
    std::string path; ///< as the host itself names it: without the directory that takes the place of its root
    std::string text;
    std::string error; ///< why it could not be read; empty: it was
};

/// The files of a host, as far as the audit asks for them.
class Files {
  public:
    Files() = default;
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;
    virtual ~Files() = default;

    /// What matches the absolute pattern of glob(7), in byte order, directories aside. A special file has no text.
    [[nodiscard]] virtual std::vector<TextFile> matching(const std::string& pattern) = 0;
};

/// Those below `root`. Of a file 1 MiB is read at most, else it has an error; of one pattern 1000 files.
class HostFiles final : public Files {
  public:
    explicit HostFiles(std::filesystem::path root) : root_(std::move(root)) {}
    [[nodiscard]] std::vector<TextFile> matching(const std::string& pattern) override;

  private:
    std::filesystem::path root_;
};

} // namespace sesslimit::audit
