// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace sesslimit::test {

/// A temporary policy directory, which is removed with the object.
class PolicyDirectory {
  public:
    PolicyDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "sesslimit-policy-XXXXXX").string();
        path_ = mkdtemp(name.data()) == nullptr ? std::filesystem::path() : std::filesystem::path(name);
    }
    PolicyDirectory(const PolicyDirectory&) = delete;
    PolicyDirectory& operator=(const PolicyDirectory&) = delete;
    ~PolicyDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// Writes a file, such as "policy.d/zz.toml". Creates its directory.
    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name) << text;
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
