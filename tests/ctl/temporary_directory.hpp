// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace sesslimit::test {

/// A temporary directory, such as a policy directory or the root directory of a host. It is removed with the object.
class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "sesslimit-test-XXXXXX").string();
        path_ = mkdtemp(name.data()) == nullptr ? std::filesystem::path() : std::filesystem::path(name);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// Writes a file, such as "policy.d/zz.toml". Creates its directory. Returns its path.
    std::filesystem::path write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name) << text;
        return path_ / name;
    }
    /// Returns the text of a file, or "-" if it does not exist.
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream in(path_ / name);
        std::ostringstream all;
        all << in.rdbuf();
        return in ? all.str() : "-";
    }

  private:
    std::filesystem::path path_;
};

} // namespace sesslimit::test
