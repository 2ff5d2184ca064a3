// SPDX-License-Identifier: MIT
#include "daemon/policy/document.hpp"

#include "common/text.hpp"

#include <algorithm>

namespace sesslimit::policy {
namespace {

constexpr std::size_t max_line_length = std::size_t{32} * 1024;
constexpr std::size_t deepest = 32;

/// A scan of a TOML text that checks how deeply brackets and dotted keys are nested. It skips strings and comments,
/// because brackets and dots in them are not syntax. For a text that is not valid TOML the depth may be wrong, but the
/// parser rejects such a text anyway.
class Walk {
  public:
    explicit Walk(std::string_view text) : text_(text) {}

    std::expected<void, SyntaxError> run() {
        while (at_ < text_.size()) {
            if (!step()) {
                return std::unexpected(SyntaxError{here(), "brackets or dotted keys are nested more than 32 deep"});
            }
        }
        return {};
    }

  private:
    bool step() {
        const char c = text_[at_];
        if (c == '"' || c == '\'') {
            skip_string(c);
            return true;
        }
        if (c == '#') {
            at_ = std::min(text_.find('\n', at_), text_.size());
            return true;
        }
        if (c == '[' || c == '{') {
            ++depth_;
        } else if ((c == ']' || c == '}') && depth_ > 0) {
            --depth_;
        } else if (c == '.') {
            ++dots_;
        } else if (c == ',' || c == '=' || c == '\n') {
            dots_ = 0;
        }
        ++at_;
        return depth_ <= deepest && dots_ <= deepest;
    }

    void skip_string(char quote) {
        const std::string_view rest = text_.substr(at_);
        const bool over_lines = rest.size() >= 3 && rest[1] == quote && rest[2] == quote;
        const std::size_t closing = over_lines ? 3 : 1;
        at_ += closing;
        for (; at_ < text_.size(); ++at_) {
            if (text_[at_] == '\n' && !over_lines) {
                return;
            }
            if (text_[at_] == '\\' && quote == '"') {
                ++at_;
            } else if (std::string_view tail = text_.substr(at_, closing);
                       tail.size() == closing && tail.find_first_not_of(quote) == tail.npos) {
                at_ += closing;
                return;
            }
        }
    }

    [[nodiscard]] SourceLocation here() const {
        const std::string_view before = text_.substr(0, at_);
        const std::size_t line_at = before.rfind('\n') + 1; // npos + 1 is 0
        return {static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n') + 1),
                static_cast<std::uint32_t>(at_ - line_at)};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
    std::size_t dots_ = 0;
};

/// Returns true for control characters other than the tab. TOML 1.0 (sections "Comment" and "String") does not permit
/// them.
bool is_forbidden(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

} // namespace

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        lines.push_back(line);
    }
    return lines;
}

std::expected<void, SyntaxError> check_shape(std::string_view text) {
    std::uint32_t number = 0;
    for (const std::string_view line : lines_of(text)) {
        ++number;
        if (line.size() > max_line_length) {
            return std::unexpected(SyntaxError{{number, 0}, "line is longer than 32768 bytes"});
        }
        const auto bad = std::find_if(line.begin(), line.end(), is_forbidden);
        if (bad != line.end()) {
            const auto column = static_cast<std::uint32_t>(bad - line.begin() + 1);
            return std::unexpected(SyntaxError{{number, column}, "control character not allowed in TOML"});
        }
        // A text with malformed UTF-8 must not reach the parser. toml11 3.x reads beyond its buffer if a string in
        // apostrophes contains malformed UTF-8 (parse_literal_string).
        if (const std::size_t malformed = malformed_at(line); malformed != line.npos) {
            const auto column = static_cast<std::uint32_t>(malformed + 1);
            return std::unexpected(SyntaxError{{number, column}, "not valid TOML: invalid UTF-8"});
        }
    }
    return Walk(text).run();
}

} // namespace sesslimit::policy
