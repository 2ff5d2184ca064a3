// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sesslimit::ctl {

enum class Json : std::uint8_t { off, compact, pretty };

/// How output is to look.
struct Style {
    Json json = Json::off;
    bool legend = true;               ///< headings and closing counts
    bool colour = false;              ///< escape sequences may be written
    bool unicode = false;             ///< the terminal's character set is UTF-8
    std::optional<std::size_t> width; ///< columns of the terminal; none: no line is cut
};

/// The other end of the commands: where their words go, and where a yes or no comes from.
class Console {
  public:
    Console() = default;
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;
    virtual ~Console() = default;

    [[nodiscard]] virtual const Style& style() const = 0;
    [[nodiscard]] virtual Usec now() const = 0; ///< realtime

    /// Text as it is, its line ends in it; at once, for it may be one line of many that come over hours.
    virtual void print(std::string_view text) = 0;
    /// The same through a pager, where there is a terminal and nobody forbade it.
    virtual void page(std::string_view text) = 0;
    /// One message to the standard error output, "sesslimitctl: " put in front; without a closing newline.
    virtual void complain(std::string_view message) = 0;

    /// Whether there is somebody to ask, who wants to be asked.
    [[nodiscard]] virtual bool can_ask() const = 0;
    /// Shows the text and waits for a line. True only for "y" or "yes".
    virtual bool ask(std::string_view text) = 0;
};

} // namespace sesslimit::ctl
