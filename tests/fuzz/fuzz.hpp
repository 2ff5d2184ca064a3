// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

/// Shared code of the fuzz targets. A target is one file that defines one_input(). It is built twice: with libFuzzer,
/// which generates inputs, and with replay.cpp, which reads the inputs of the corpus.
namespace sesslimit::fuzz {

/// Processes an arbitrary input. Aborts the process through must() if a property is violated. The function must not
/// keep state that could change the result of a later call.
void one_input(std::span<const std::uint8_t> bytes);

/// Checks a property that must be true for every input.
inline void must(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "violated: %s\n", what);
        std::abort();
    }
}

inline std::string_view text_of(std::span<const std::uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads an input piece by piece from its start. At the end it returns zeros and empty texts.
class Input {
  public:
    explicit Input(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

    [[nodiscard]] bool empty() const { return rest_.empty(); }
    [[nodiscard]] std::span<const std::uint8_t> rest() const { return rest_; }

    std::span<const std::uint8_t> bytes(std::size_t most) {
        const auto part = rest_.first(most < rest_.size() ? most : rest_.size());
        rest_ = rest_.subspan(part.size());
        return part;
    }

    template <class Number>
    Number number() {
        Number value{};
        const auto part = bytes(sizeof value);
        if (!part.empty()) {
            std::memcpy(&value, part.data(), part.size());
        }
        return value;
    }

    std::uint8_t byte() { return number<std::uint8_t>(); }

    /// Reads a text whose length is given by the preceding byte.
    std::string text() { return std::string(text_of(bytes(byte()))); }

    /// Reads the text before the next `end` and skips `end`.
    std::string_view part(char end) {
        const std::string_view all = text_of(rest_);
        const std::size_t size = all.find(end) == all.npos ? all.size() : all.find(end);
        rest_ = rest_.subspan(size + (size < all.size() ? 1 : 0));
        return all.substr(0, size);
    }

  private:
    std::span<const std::uint8_t> rest_;
};

/// Returns true if the text is well-formed UTF-8 (RFC 3629). It uses the RFC's syntax table, for comparison with
/// sesslimit::escape_for_display(), which uses arithmetic.
inline bool is_utf8(std::string_view text) {
    struct Form {
        unsigned char first, last; ///< of the lead byte
        unsigned char second_first, second_last;
        std::size_t more;
    };
    constexpr Form forms[] = {
        {0x00, 0x7F, 0, 0, 0},       {0xC2, 0xDF, 0x80, 0xBF, 1}, {0xE0, 0xE0, 0xA0, 0xBF, 2},
        {0xE1, 0xEC, 0x80, 0xBF, 2}, {0xED, 0xED, 0x80, 0x9F, 2}, {0xEE, 0xEF, 0x80, 0xBF, 2},
        {0xF0, 0xF0, 0x90, 0xBF, 3}, {0xF1, 0xF3, 0x80, 0xBF, 3}, {0xF4, 0xF4, 0x80, 0x8F, 3},
    };
    const auto at = [text](std::size_t place) { return static_cast<unsigned char>(text[place]); };
    for (std::size_t place = 0; place < text.size();) {
        const Form* form = nullptr;
        for (const Form& one : forms) {
            form = at(place) >= one.first && at(place) <= one.last ? &one : form;
        }
        if (form == nullptr || text.size() - place <= form->more) {
            return false;
        }
        for (std::size_t more = 1; more <= form->more; ++more) {
            const bool second = more == 1;
            if (at(place + more) < (second ? form->second_first : 0x80) ||
                at(place + more) > (second ? form->second_last : 0xBF)) {
                return false;
            }
        }
        place += form->more + 1;
    }
    return true;
}

/// Returns true for one line that a terminal displays without executing: UTF-8 without C0, DEL and C1.
inline bool is_safe_line(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const bool c1 = byte == 0xC2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xA0;
        if (byte < 0x20 || byte == 0x7F || c1) {
            return false;
        }
    }
    return is_utf8(text);
}

} // namespace sesslimit::fuzz
