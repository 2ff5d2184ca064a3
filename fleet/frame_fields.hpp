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

/// Returns the length of the longest frame of a kind in bytes. `fields` lists the fields of a frame for a visitor.
template <class Frame>
constexpr std::size_t largest(auto fields) {
    const Frame frame{};
    Largest visit;
    fields(frame, visit);
    return visit.size;
}

/// Writes a frame to the start of `out` and returns its length. `consistent` is true if the fields of the message fit
/// together.
template <class Frame>
std::expected<std::size_t, WireError> write_frame(const Frame& message, const sesslimit::wire::Format& format,
                                                  std::span<std::byte> out, auto fields, bool consistent) noexcept {
    FieldWriter visit{sesslimit::wire::Writer(out)};
    fields(message, visit);
    visit.writer.check(consistent);
    return visit.writer.finish(format, Frame::kind);
}

/// Reads a frame, except for the relations between its fields. `kind` is the result of the protocol's kind_of().
template <class Frame, class Kind>
std::expected<Frame, WireError> read_frame(Bytes frame, const std::expected<Kind, WireError>& kind,
                                           auto fields) noexcept {
    Frame message;
    sesslimit::wire::Seen seen;
    PresenceCheck check{seen};
    fields(message, check); // finds the last tag
    const Done read = sesslimit::wire::for_each_field(frame, kind, Frame::kind, check.last, seen,
                                                      [&](std::uint16_t tag, Bytes value) noexcept {
                                                          FieldReader visit{tag, value};
                                                          fields(message, visit);
                                                          return visit.done;
                                                      });
    if (!read) {
        return unexpected(read.error());
    }
    check.whole = true;
    fields(message, check);
    if (!check.whole) {
        return unexpected(WireError::missing);
    }
    return message;
}

} // namespace sesslimit::fleet::wire
