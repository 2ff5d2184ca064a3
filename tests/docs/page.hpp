// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::test {

/// One entry of a list in a manual page.
struct Item {
    std::string head; ///< as it is read: "--json=<form>", "list [--user <user>]", "SIGTERM, SIGINT"
    std::string text; ///< all up to the next entry, markup included
};

/// A manual page in mdoc(7), as much of that as ours use.
class Page {
  public:
    /// docs/NAME. Throws std::runtime_error where it cannot be read.
    static Page read(const std::string& name);

    /// The entries of the outermost lists of the part that is headed `part` by Sh or Ss; an Sh part has those of its Ss
    /// parts as well. Throws where there is no such part.
    [[nodiscard]] std::vector<Item> items(std::string_view part) const;

    [[nodiscard]] bool has_line(std::string_view line) const;

  private:
    std::vector<std::string> lines_;
};

/// A line of mdoc behind its first macro as it is read.
std::string rendered(std::string_view words);

/// The words of a rendered head that begin so, without what stands around them: {"--user", "--json"}.
std::vector<std::string> words_that_begin(const std::string& head, std::string_view begin);

/// A file below the top of the sources. Throws where it cannot be read.
std::string read_source(const std::string& path);

} // namespace sesslimit::test
