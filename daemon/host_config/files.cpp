// SPDX-License-Identifier: MIT
#include "daemon/host_config/files.hpp"

#include "daemon/policy/load.hpp"

#include <glob.h>

#include <algorithm>
#include <memory>

namespace sesslimit::host_config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_files = 1000;

/// Escapes the characters of a directory name that have a special meaning in glob(7) patterns.
std::string quoted(const std::string& path) {
    std::string quoted;
    for (const char c : path) {
        quoted += std::string("*?[]\\").find(c) == std::string::npos ? "" : "\\";
        quoted += c;
    }
    return quoted;
}

} // namespace

std::vector<TextFile> HostFiles::matching(const std::string& pattern) {
    const std::string root = root_ == "/" ? "" : root_.lexically_normal().string();
    glob_t found{};
    const std::unique_ptr<glob_t, decltype(&globfree)> release(&found, &globfree);
    if (glob((quoted(root) + pattern).c_str(), GLOB_NOSORT, nullptr, &found) != 0) {
        return {};
    }
    std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + std::min<std::size_t>(found.gl_pathc, max_files));
    std::ranges::sort(paths);
    std::vector<TextFile> files;
    for (const std::string& path : paths) {
        std::error_code error;
        const fs::file_status status = fs::status(path, error);
        if (fs::is_directory(status)) {
            continue;
        }
        TextFile file{path.substr(root.size()), {}, {}};
        if (fs::is_regular_file(status) || error) {
            auto text = policy::read_text(path, policy::Tier::host);
            file.text = text ? std::move(text->text) : "";
            file.error = text ? "" : text.error().what;
        }
        files.push_back(std::move(file));
    }
    return files;
}

} // namespace sesslimit::host_config
