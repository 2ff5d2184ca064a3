// SPDX-License-Identifier: MIT
#include "common/unique_fd.hpp"
#include "daemon/policy/load.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sesslimit::policy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_files = 1000;

Problem unreadable(const fs::path& path, std::string what) {
    return {Problem::Severity::error, path.native(), 0, 0, std::move(what), {}};
}

Problem failed(const fs::path& path, const char* doing, int code) {
    return unreadable(path, std::string(doing) + ": " + std::strerror(code));
}

/// Returns the policy files (*.toml) of a directory, sorted by name in byte order.
std::vector<fs::path> files_in(const fs::path& directory, std::vector<Problem>& problems) {
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().native();
        if (!is_file_name(name)) {
            continue;
        }
        if (files.size() == max_files) {
            problems.push_back(unreadable(directory, "more than 1000 policy files"));
            break;
        }
        files.push_back(at->path());
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        problems.push_back(failed(directory, "cannot read directory", error.value()));
    }
    std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
    return files;
}

void add(ReadTexts& read, const fs::path& file, Tier tier) {
    if (auto text = read_text(file, tier)) {
        read.texts.push_back(std::move(*text));
    } else {
        read.problems.push_back(std::move(text.error()));
    }
}

} // namespace

bool is_file_name(std::string_view name) {
    return !name.starts_with('.') && name.ends_with(".toml");
}

Result<std::string> read_all(int fd) {
    std::string text(max_file_size + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = read(fd, text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno("read");
        }
        if (got == 0) {
            break;
        }
        size += static_cast<std::size_t>(got);
    }
    if (size > max_file_size) {
        return fail("file is larger than 1 MiB", EFBIG);
    }
    text.resize(size);
    text.shrink_to_fit();
    return text;
}

std::expected<SourceText, Problem> read_text(const fs::path& file, Tier tier) {
    // O_NONBLOCK prevents open(2) from blocking if the policy file is a FIFO.
    const UniqueFd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status{};
    if (!fd || fstat(fd.get(), &status) != 0) {
        return std::unexpected(failed(file, "cannot open file", errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return std::unexpected(unreadable(file, "not a regular file"));
    }
    auto text = read_all(fd.get());
    if (!text) {
        return std::unexpected(text.error().code == EFBIG ? unreadable(file, text.error().what)
                                                          : failed(file, "cannot read file", text.error().code));
    }
    return SourceText{file.native(), tier, *std::move(text)};
}

ReadTexts read_texts(const fs::path& directory) {
    ReadTexts read;
    for (const fs::path& file : files_in(directory / "managed.d", read.problems)) {
        add(read, file, Tier::managed);
    }
    const fs::path main = directory / "policy.toml";
    std::error_code error;
    // If policy.toml is a dangling symbolic link, an error is reported. Only a missing policy.toml is ignored.
    if (fs::exists(fs::symlink_status(main, error)) || (error && error != std::errc::no_such_file_or_directory)) {
        add(read, main, Tier::host);
    }
    for (const fs::path& file : files_in(directory / "policy.d", read.problems)) {
        add(read, file, Tier::host);
    }
    return read;
}

void put_text(std::vector<SourceText>& texts, SourceText text) {
    const fs::path directory = fs::path(text.path).parent_path();
    const auto next = std::find_if(texts.begin(), texts.end(), [&](const SourceText& other) {
        return other.tier == Tier::host && fs::path(other.path).parent_path() == directory && other.path >= text.path;
    });
    if (next != texts.end() && next->path == text.path) {
        *next = std::move(text);
    } else {
        texts.insert(next, std::move(text));
    }
}

} // namespace sesslimit::policy
