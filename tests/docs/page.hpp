// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::test {

/// An entry of a list in a manual page.
struct Item {
    std::string head; ///< head as displayed: "--json=<form>", "list [--user <user>]", "SIGTERM, SIGINT"
    std::string text; ///< everything up to the next entry, with markup
};

/// A manual page in mdoc(7). Supports only the macros that the project's pages use.
class Page {
  public:
    /// Reads man/NAME. Throws std::runtime_error if the file cannot be read.
    static Page read(const std::string& name);

    /// Returns the entries of the outermost lists in the part with the heading `part` (Sh or Ss). An Sh part includes
    /// its Ss parts. Throws std::runtime_error if the part does not exist.
    [[nodiscard]] std::vector<Item> items(std::string_view part) const;

    [[nodiscard]] bool has_line(std::string_view line) const;

  private:
    std::vector<std::string> lines_;
};

/// Renders the rest of an mdoc line after its first macro as it is displayed.
std::string rendered(std::string_view words);

/// Returns the words of a rendered head that start with `begin`, without surrounding punctuation: {"--user", "--json"}.
std::vector<std::string> words_that_begin(const std::string& head, std::string_view begin);

/// Reads a file below the top of the source tree. Throws std::runtime_error if the file cannot be read.
std::string read_source(const std::string& path);

} // namespace sesslimit::test
