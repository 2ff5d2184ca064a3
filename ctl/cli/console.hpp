// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sesslimit::ctl {

/// The format of JSON output.
enum class Json : std::uint8_t { off, compact, pretty };

/// The format of the output.
struct Style {
    Json json = Json::off;
    bool legend = true;               ///< True if a table has headings and a final line with the number of rows.
    bool colour = false;              ///< True if escape sequences for colors are allowed.
    bool unicode = false;             ///< True if the terminal's character set is UTF-8.
    std::optional<std::size_t> width; ///< Columns of the terminal; if absent, lines are not truncated.
};

/// The interface between the commands of sesslimitctl and the user, for output and for confirmations.
class Console {
  public:
    Console() = default;
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;
    virtual ~Console() = default;

    [[nodiscard]] virtual const Style& style() const = 0;
    [[nodiscard]] virtual Usec now() const = 0; ///< realtime

    /// Prints text unchanged, including its newlines. Writes the text immediately, because `watch` may print the next
    /// text hours later.
    virtual void print(std::string_view text) = 0;
    /// Prints text through a pager if the output is a terminal and the user has not disabled the pager.
    virtual void page(std::string_view text) = 0;
    /// Prints one message to standard error with the prefix "sesslimitctl: ". The message must not end in a newline.
    virtual void complain(std::string_view message) = 0;

    /// Returns true if the program can ask the user for confirmation. Returns false if the user has set the option
    /// --no-ask.
    [[nodiscard]] virtual bool can_ask() const = 0;
    /// Shows a question and reads a line. Returns true only for the answer "y" or "yes".
    virtual bool ask(std::string_view text) = 0;
};

} // namespace sesslimit::ctl
