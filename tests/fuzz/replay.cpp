// SPDX-License-Identifier: MIT
// Runs a target on the inputs of its corpus, one after the other. This is an ordinary test that does not need clang.
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// Reads a file into a buffer of exactly its size, so that a sanitizer detects a read beyond it.
std::vector<std::uint8_t> content_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::vector<std::uint8_t> bytes(fs::file_size(file));
    stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

/// Returns the files of a directory, sorted by name. For a file, returns the file itself.
std::vector<fs::path> inputs_in(const fs::path& place) {
    if (!fs::is_directory(place)) {
        return {place};
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(place)) {
        files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

} // namespace

int main(int count, char** words) {
    std::size_t replayed = 0;
    for (const char* place : std::span(words, static_cast<std::size_t>(count)).subspan(1)) {
        for (const fs::path& file : inputs_in(place)) {
            std::printf("%s\n", file.filename().c_str());
            std::fflush(stdout); // the last name printed is the failing input
            sesslimit::fuzz::one_input(content_of(file));
            ++replayed;
        }
    }
    std::printf("%zu inputs replayed\n", replayed);
    return replayed == 0 ? 1 : 0; // without a corpus nothing is tested
}
