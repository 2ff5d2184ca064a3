// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/policy_edit/edit.hpp"

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::policy_edit {

/// The result of a step of an edit.
template <class T = void>
using Edited = std::expected<T, EditError>;

/// The text of a policy file as lines, together with its contents. Lines are numbered from 1, as in
/// policy::SourceLocation.
///
/// The extent of an entry is determined with the TOML parser, because the parser reports only the line at which a value
/// starts. An entry consists of the fewest lines from there on that are a valid document. A comment starts at the first
/// number sign whose removal, with the rest of the line, does not change the value.
class Draft {
  public:
    /// Parses a text. Errors: the first syntax error.
    static Edited<Draft> parse(std::string_view text);

    [[nodiscard]] std::string text() const;
    [[nodiscard]] const policy::Node& contents() const { return contents_; }
    /// Returns the number of lines.
    [[nodiscard]] std::uint32_t size() const;
    /// Returns a line without its line end.
    [[nodiscard]] std::string_view line(std::uint32_t number) const;

    /// Returns the key at the start of a line as its dotted parts, such as {"match", "user"}. Returns an empty list if
    /// the line does not start with a key and an equals sign.
    [[nodiscard]] std::vector<std::string> path_at(std::uint32_t number) const;
    /// Returns the last line of the entry that starts at this line.
    [[nodiscard]] std::uint32_t end_of_entry(std::uint32_t number) const;
    /// Returns the first line after `number`, at which another entry or a table starts. Returns size() + 1 if there is
    /// none.
    [[nodiscard]] std::uint32_t next_start(std::uint32_t number) const;

    /// Replaces the value of the entry that starts at this line, and keeps its comments. Errors: the entry has too many
    /// number signs to find its comments.
    Edited<> replace_value(std::uint32_t number, std::string_view value);
    /// Inserts lines before this line. size() + 1 appends them. Adds a line end to a last line without one. The new
    /// lines have the line end of the first line of the text.
    void insert(std::uint32_t number, const std::vector<std::string>& lines);
    void erase(std::uint32_t first, std::uint32_t last);
    /// Parses the text again. Must be called after a change and before the contents or extents are used. Errors: the
    /// text is not valid TOML any more.
    Edited<> update();

  private:
    struct Comment {
        std::size_t at = 0; ///< offset of the number sign in its line
        std::string text;
    };

    /// Returns the lines from `first` to `last`, without their line ends, separated by LF.
    [[nodiscard]] std::string joined(std::uint32_t first, std::uint32_t last) const;
    /// Returns the comment of one line of the entry that consists of the lines `first` to `last`.
    Edited<std::optional<Comment>> comment_of(std::uint32_t number, std::uint32_t first, std::uint32_t last,
                                              std::size_t from, std::size_t& probes) const;

    std::vector<std::string> lines_; ///< with their line ends
    policy::Node contents_;
    std::vector<std::uint32_t> starts_; ///< sorted lines at which entries and tables start
};

} // namespace sesslimit::policy_edit
