// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/host_config/files.hpp"

#include <fnmatch.h>

#include <map>
#include <string>

namespace sesslimit::test {

/// Files of a simulated host in memory, by path.
class FakeFiles final : public host_config::Files {
  public:
    FakeFiles() = default;
    FakeFiles(std::initializer_list<std::pair<const std::string, std::string>> files) : texts(files) {}
    explicit FakeFiles(std::map<std::string, std::string> files) : texts(std::move(files)) {}

    std::map<std::string, std::string> texts;
    std::map<std::string, std::string> unreadable; ///< error texts by path

    [[nodiscard]] std::vector<host_config::TextFile> matching(const std::string& pattern) override {
        std::map<std::string, host_config::TextFile> found;
        for (const auto& [path, text] : texts) {
            found[path] = {path, text, {}};
        }
        for (const auto& [path, why] : unreadable) {
            found[path] = {path, {}, why};
        }
        std::vector<host_config::TextFile> files;
        for (const auto& [path, file] : found) {
            if (fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0) {
                files.push_back(file);
            }
        }
        return files;
    }
};

} // namespace sesslimit::test
