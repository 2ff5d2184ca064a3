// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"

#include <algorithm>
#include <array>

/// The layout that the frames of all protocols between processes of sesslimit share: a header, and fields with a tag
/// and a length. docs/protocol.md describes it. The functions do not allocate memory, throw or use descriptors.
namespace sesslimit::wire {

inline constexpr std::size_t version_end = 6; // Length of magic and version.
inline constexpr std::size_t header_size = 12;
inline constexpr std::size_t field_header = 4;

using Bytes = std::span<const std::byte>;
using Done = std::expected<void, WireError>;
using std::unexpected;

/// The values by which the frames of a protocol are recognized, and their maximum length in bytes.
struct Format {
    std::array<char, 4> magic{};
    std::uint16_t version = 0;
    std::size_t max_frame = 0;
};

struct Header {
    std::array<char, 4> magic{};
    std::uint16_t version = 0;
    std::uint16_t kind = 0;
    std::uint32_t length = 0;
};
static_assert(sizeof(Header) == header_size);

inline Done text_fits(std::string_view text, std::size_t bound) noexcept {
    if (text.size() > bound) {
        return unexpected(WireError::too_long);
    }
    if (text.empty() || text.find('\0') != std::string_view::npos) {
        return unexpected(WireError::bad_field);
    }
    return {};
}

/// The set of fields found in a frame. The bit at the position of a field's tag (number) is set if the frame contains
/// the field. All tags are below 32.
class Seen {
  public:
    template <class Tag>
    bool first(Tag tag) noexcept {
        const bool before = has(tag);
        bits_ |= bit(tag);
        return !before;
    }
    template <class Tag>
    [[nodiscard]] bool has(Tag tag) const noexcept {
        return (bits_ & bit(tag)) != 0;
    }

  private:
    template <class Tag>
    static constexpr std::uint32_t bit(Tag tag) noexcept {
        return std::uint32_t{1} << static_cast<unsigned>(tag);
    }
    std::uint32_t bits_ = 0;
};

template <class Number>
Done read_number(Bytes value, Number& out) noexcept {
    if (value.size() != sizeof out) {
        return unexpected(WireError::bad_field);
    }
    std::memcpy(&out, value.data(), sizeof out);
    return {};
}

inline Done read_text(Bytes value, std::size_t bound, std::string_view& out) noexcept {
    const std::string_view text(reinterpret_cast<const char*>(value.data()), value.size());
    if (Done fits = text_fits(text, bound); !fits) {
        return fits;
    }
    out = text;
    return {};
}

/// Checks the header of a frame except for its kind.
inline std::expected<Header, WireError> header_of(Bytes frame, const Format& format) noexcept {
    if (frame.size() > format.max_frame) {
        return unexpected(WireError::too_long);
    }
    if (frame.size() < version_end) {
        return unexpected(WireError::truncated);
    }
    Header header;
    std::memcpy(&header, frame.data(), std::min(frame.size(), header_size));
    if (header.magic != format.magic) {
        return unexpected(WireError::not_ours);
    }
    if (header.version != format.version) {
        return unexpected(WireError::other_version);
    }
    if (frame.size() < header_size || frame.size() - header_size != header.length) {
        return unexpected(WireError::truncated);
    }
    return header;
}

/// Calls take(tag, value) for every field of the frame whose tag is from 1 to `last`, in the order of the frame. Other
/// fields are skipped. `found` is the result of the protocol's kind_of() for the frame. Returns an error if it is not
/// `kind`, or if a field occurs twice. Stops at the first field for which take() returns an error.
template <class Kind, class Tag, class Take>
Done for_each_field(Bytes frame, std::expected<Kind, WireError> found, Kind kind, Tag last, Seen& seen,
                    Take take) noexcept {
    if (!found) {
        return unexpected(found.error());
    }
    if (*found != kind) {
        return unexpected(WireError::unknown_kind);
    }
    for (Bytes rest = frame.subspan(header_size); !rest.empty();) {
        if (rest.size() < field_header) {
            return unexpected(WireError::truncated);
        }
        std::array<std::uint16_t, 2> head{};
        std::memcpy(head.data(), rest.data(), field_header);
        const auto [number, length] = head;
        rest = rest.subspan(field_header);
        if (rest.size() < length) {
            return unexpected(WireError::truncated);
        }
        const Bytes value = rest.first(length);
        rest = rest.subspan(length);
        if (number == 0 || number > static_cast<std::uint16_t>(last)) {
            continue;
        }
        const auto tag = static_cast<Tag>(number);
        if (!seen.first(tag)) {
            return unexpected(WireError::repeated);
        }
        if (Done taken = take(tag, value); !taken) {
            return taken;
        }
    }
    return {};
}

/// A writer that appends fields to a frame. After the first error it ignores all later fields, and
/// finish() returns this error.
class Writer {
  public:
    explicit Writer(std::span<std::byte> out) noexcept : out_(out) {}

    template <class Tag>
    void text(Tag tag, std::string_view text, std::size_t bound, bool must) noexcept {
        if (text.empty() && !must) {
            return;
        }
        check(text_fits(text, bound));
        field(static_cast<std::uint16_t>(tag), std::as_bytes(std::span(text)));
    }

    template <class Tag, class Number>
    void number(Tag tag, Number value) noexcept {
        field(static_cast<std::uint16_t>(tag), std::as_bytes(std::span(&value, 1)));
    }

    template <class Tag>
    void bytes(Tag tag, Bytes value) noexcept {
        field(static_cast<std::uint16_t>(tag), value);
    }

    void check(Done done) noexcept {
        if (!done && !failed_) {
            failed_ = true;
            error_ = done.error();
        }
    }
    void check(bool fits) noexcept { check(fits ? Done{} : unexpected(WireError::bad_field)); }

    template <class Kind>
    std::expected<std::size_t, WireError> finish(const Format& format, Kind kind) noexcept {
        if (failed_) {
            return unexpected(error_);
        }
        if (out_.size() < header_size) {
            return unexpected(WireError::no_room);
        }
        const Header header{format.magic, format.version, static_cast<std::uint16_t>(kind),
                            static_cast<std::uint32_t>(at_ - header_size)};
        std::memcpy(out_.data(), &header, header_size);
        return at_;
    }

  private:
    void field(std::uint16_t tag, Bytes value) noexcept {
        if (!failed_ && (out_.size() < at_ || out_.size() - at_ < field_header + value.size())) {
            check(unexpected(WireError::no_room));
        }
        if (failed_) {
            return;
        }
        const auto length = static_cast<std::uint16_t>(value.size());
        put(std::as_bytes(std::span(&tag, 1)));
        put(std::as_bytes(std::span(&length, 1)));
        put(value);
    }

    void put(Bytes bytes) noexcept {
        std::copy(bytes.begin(), bytes.end(), out_.begin() + static_cast<std::ptrdiff_t>(at_));
        at_ += bytes.size();
    }

    std::span<std::byte> out_;
    std::size_t at_ = header_size;
    bool failed_ = false;
    WireError error_ = WireError::no_room;
};

} // namespace sesslimit::wire
