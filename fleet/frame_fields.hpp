// SPDX-License-Identifier: MIT
#pragma once

#include "common/frame_codec.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

/// Encoding and decoding of frames whose fields are listed once. A function lists the fields of each kind of frame for
/// a visitor, which receives the tag, the member and the bounds of each field. The visitors of this file read and write
/// the fields, and check that required fields are present.
namespace sesslimit::fleet::wire {

using sesslimit::wire::Bytes;
using sesslimit::wire::Done;
using sesslimit::wire::WireError;
using std::unexpected;

/// A visitor that reads one field of a frame into the member with its tag.
struct FieldReader {
    std::uint16_t tag;
    Bytes value;
    Done done{};

    void text(std::uint16_t at, std::string_view& out, std::size_t bound, bool) noexcept {
        if (at == tag) {
            done = sesslimit::wire::read_text(value, bound, out);
        }
    }
    template <class Number>
    void number(std::uint16_t at, Number& out, Number least, Number most) noexcept {
        if (at != tag) {
            return;
        }
        done = sesslimit::wire::read_number(value, out);
        if (done && (out < least || out > most)) {
            done = unexpected(WireError::bad_field);
        }
    }
    template <class Number>
    void optional_number(std::uint16_t at, std::optional<Number>& out, Number most) noexcept {
        if (at == tag) {
            number(at, out.emplace(), Number{0}, most);
        }
    }
    void flag(std::uint16_t at, bool& out) noexcept {
        std::uint8_t bit = 0;
        number(at, bit, std::uint8_t{0}, std::uint8_t{1});
        out = at == tag ? bit != 0 : out;
    }
    template <class Codec, class Frame>
    void packed(std::uint16_t at, Frame& frame) noexcept {
        if (at == tag) {
            done = Codec::read(value, frame);
        }
    }
};

/// A visitor that adds up the length of the longest frame of a kind.
struct Largest {
    std::size_t size = sesslimit::wire::header_size;

    constexpr void add(std::size_t bytes) noexcept { size += sesslimit::wire::field_header + bytes; }
    constexpr void text(std::uint16_t, const std::string_view&, std::size_t bound, bool) noexcept { add(bound); }
    template <class Number>
    constexpr void number(std::uint16_t, const Number&, Number, Number) noexcept {
        add(sizeof(Number));
    }
    template <class Number>
    constexpr void optional_number(std::uint16_t, const std::optional<Number>&, Number) noexcept {
        add(sizeof(Number));
    }
    constexpr void flag(std::uint16_t, const bool&) noexcept { add(1); }
    template <class Codec, class Frame>
    constexpr void packed(std::uint16_t, const Frame&) noexcept {
        add(Codec::max_size);
    }
};

/// A visitor that checks that required fields are present, and finds the last tag of a kind of frame.
struct PresenceCheck {
    const sesslimit::wire::Seen& seen;
    std::uint16_t last = 0;
    bool whole = true;

    void require(std::uint16_t tag, bool required = true) noexcept {
        last = std::max(last, tag);
        whole = whole && (!required || seen.has(tag));
    }
    void text(std::uint16_t tag, const std::string_view&, std::size_t, bool required) noexcept {
        require(tag, required);
    }
    template <class Number>
    void number(std::uint16_t tag, const Number&, Number, Number) noexcept {
        require(tag);
    }
    template <class Number>
    void optional_number(std::uint16_t tag, const std::optional<Number>&, Number) noexcept {
        require(tag, false);
    }
    void flag(std::uint16_t tag, const bool&) noexcept { require(tag); }
    template <class Codec, class Frame>
    void packed(std::uint16_t tag, const Frame&) noexcept {
        require(tag, false);
    }
};

/// A visitor that writes the fields of a frame.
struct FieldWriter {
    sesslimit::wire::Writer writer;

    void text(std::uint16_t tag, const std::string_view& value, std::size_t bound, bool required) noexcept {
        writer.text(tag, value, bound, required);
    }
    template <class Number>
    void number(std::uint16_t tag, const Number& value, Number least, Number most) noexcept {
        writer.check(value >= least && value <= most);
        writer.number(tag, value);
    }
    template <class Number>
    void optional_number(std::uint16_t tag, const std::optional<Number>& value, Number most) noexcept {
        if (value) {
            number(tag, *value, Number{0}, most);
        }
    }
    void flag(std::uint16_t tag, const bool& value) noexcept { writer.number(tag, static_cast<std::uint8_t>(value)); }
    template <class Codec, class Frame>
    void packed(std::uint16_t tag, const Frame& frame) noexcept {
        std::array<std::byte, Codec::max_size> bytes; // NOLINT: only written bytes are read
        const std::optional<std::size_t> size = Codec::write(frame, bytes);
        writer.check(size.has_value());
        if (size.value_or(0) > 0) {
            writer.bytes(tag, Bytes(bytes).first(*size));
        }
    }
};

/// Returns true if an alternative of `Frames`, a std::variant of types of frames, has the kind.
template <class Frames, class Kind, std::size_t at = 0>
constexpr bool has_kind(Kind kind) noexcept {
    if constexpr (at == std::variant_size_v<Frames>) {
        return false;
    } else {
        return std::variant_alternative_t<at, Frames>::kind == kind || has_kind<Frames, Kind, at + 1>(kind);
    }
}

/// Encodes and decodes the frames of a protocol. `Protocol` has these members:
/// - the type `Kind` of the kinds of frames, and the constant `format`, the header;
/// - `Requests` and `Replies`, each a std::variant of the types of frames that one side sends;
/// - `fields(frame, visit)`, which lists the fields of a frame for a visitor, and `is_consistent(frame)`, which checks
///   the relations between fields.
template <class Protocol>
struct FrameCodec {
    using Kind = typename Protocol::Kind;
    template <class Frames>
    using Expected = std::expected<Frames, WireError>;

    /// Returns the length of the longest frame of a kind in bytes.
    template <class Frame>
    static constexpr std::size_t largest() {
        const Frame frame{};
        Largest visit;
        Protocol::fields(frame, visit);
        return visit.size;
    }

    static Expected<Kind> kind_of(Bytes frame) noexcept {
        const auto header = sesslimit::wire::header_of(frame, Protocol::format);
        if (!header) {
            return unexpected(header.error());
        }
        const auto kind = static_cast<Kind>(header->kind);
        const bool is_known = has_kind<typename Protocol::Requests>(kind) || has_kind<typename Protocol::Replies>(kind);
        return is_known ? Expected<Kind>(kind) : unexpected(WireError::unknown_kind);
    }

    /// Writes a frame to the start of `out` and returns its length.
    template <class Frame>
    static Expected<std::size_t> encode(const Frame& message, std::span<std::byte> out) noexcept {
        FieldWriter visit{sesslimit::wire::Writer(out)};
        Protocol::fields(message, visit);
        visit.writer.check(Protocol::is_consistent(message));
        return visit.writer.finish(Protocol::format, Frame::kind);
    }

    template <class Frame>
    static Expected<Frame> decode(Bytes frame) noexcept {
        Frame message;
        sesslimit::wire::Seen seen;
        PresenceCheck check{seen};
        Protocol::fields(message, check); // finds the last tag
        const Done read = sesslimit::wire::for_each_field(frame, kind_of(frame), Frame::kind, check.last, seen,
                                                          [&](std::uint16_t tag, Bytes value) noexcept {
                                                              FieldReader visit{tag, value};
                                                              Protocol::fields(message, visit);
                                                              return visit.done;
                                                          });
        if (!read) {
            return unexpected(read.error());
        }
        check.whole = true;
        Protocol::fields(message, check);
        if (!check.whole) {
            return unexpected(WireError::missing);
        }
        if (!Protocol::is_consistent(message)) {
            return unexpected(WireError::bad_field);
        }
        return message;
    }

    /// Writes the frame that a variant contains. std::visit() is not noexcept.
    template <class Frames, std::size_t at = 0>
    static Expected<std::size_t> encode_any(const Frames& frames, std::span<std::byte> out) noexcept {
        if constexpr (at == std::variant_size_v<Frames>) {
            return unexpected(WireError::unknown_kind);
        } else {
            const auto* frame = std::get_if<at>(&frames);
            return frame != nullptr ? encode(*frame, out) : encode_any<Frames, at + 1>(frames, out);
        }
    }

    /// Reads a frame as the alternative of `Frames` that has its kind.
    template <class Frames>
    static Expected<Frames> decode_any(Bytes frame) noexcept {
        const auto kind = kind_of(frame);
        return kind ? decode_kind<Frames>(frame, *kind) : unexpected(kind.error());
    }

  private:
    template <class Frames, std::size_t at = 0>
    static Expected<Frames> decode_kind(Bytes frame, Kind kind) noexcept {
        if constexpr (at == std::variant_size_v<Frames>) {
            return unexpected(WireError::unknown_kind);
        } else {
            using Frame = std::variant_alternative_t<at, Frames>;
            if (kind != Frame::kind) {
                return decode_kind<Frames, at + 1>(frame, kind);
            }
            const auto message = decode<Frame>(frame);
            return message ? Expected<Frames>(*message) : unexpected(message.error());
        }
    }
};

} // namespace sesslimit::fleet::wire
