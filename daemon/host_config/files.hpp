// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sesslimit::host_config {

/// Bounds on the files that one configuration, of sshd or of a PAM service, may include.
inline constexpr int max_include_depth = 16;
inline constexpr int max_included_files = 256;

/// A file with its contents.
struct TextFile {
    std::string path; ///< Path as seen from the root directory of the audited host.
    std::string text;
    std::string error; ///< Reason why the file could not be read; empty on success.
};

/// The interface to the configuration files of a host.
class Files {
  public:
    Files() = default;
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;
    virtual ~Files() = default;

    /// Returns the files that match `pattern`, an absolute glob(7) pattern. The files are sorted by the bytes of their
    /// path. Directories are omitted. The text of a special file, such as a device, is empty.
    [[nodiscard]] virtual std::vector<TextFile> matching(const std::string& pattern) = 0;
};

/// The configuration files of a host whose root directory is `root`. A file over 1 MiB is returned with an error
/// instead of its text. One pattern returns at most 1000 files.
class HostFiles final : public Files {
  public:
    explicit HostFiles(std::filesystem::path root) : root_(std::move(root)) {}
    [[nodiscard]] std::vector<TextFile> matching(const std::string& pattern) override;

  private:
    std::filesystem::path root_;
};

} // namespace sesslimit::host_config
