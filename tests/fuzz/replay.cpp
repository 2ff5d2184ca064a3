// SPDX-License-Identifier: MIT
// Gives a target the inputs of its corpus, one after the other: an ordinary test, for which no clang is needed.
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// A buffer of just the file's size, so that a sanitizer sees a read beyond it.
std::vector<std::uint8_t> content_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::vector<std::uint8_t> bytes(fs::file_size(file));
    stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

/// The files of a directory in order of their names; a file is itself.
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
            std::fflush(stdout); // the last one said is the one that failed
            sesslimit::fuzz::one_input(content_of(file));
            ++replayed;
        }
    }
    std::printf("%zu inputs replayed\n", replayed);
    return replayed == 0 ? 1 : 0; // a corpus that is not there tests nothing
}
