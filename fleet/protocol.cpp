// SPDX-License-Identifier: MIT
#include "fleet/protocol.hpp"

#include "common/frame_codec.hpp"

#include <concepts>
#include <limits>
#include <type_traits>

namespace sesslimit::fleet::wire {
namespace {

using sesslimit::wire::Bytes;
using sesslimit::wire::Done;
using std::unexpected;

constexpr sesslimit::wire::Format format{.magic = {'S', 'L', 'F', 'L'}, .version = version, .max_frame = max_frame};

constexpr std::uint64_t any_number = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t any_count = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t latest = std::uint64_t{1} << 62;
constexpr std::uint32_t last_uid = any_count - 1;

// --- The fields of each kind of frame ------------------------------------------------------------------------------

/// True for `Type` itself and for a constant object of it.
template <class Type, class Frame>
concept Is = std::same_as<std::remove_const_t<Type>, Frame>;

// A visitor receives the tag, the member and the bounds of each field. The same functions describe the frames for the
// encoder and the decoder, and for the check that required fields are present.

constexpr void fields(Is<Hello> auto& frame, auto& visit) {
    visit.text(1, frame.policy, max_id, false);
}

constexpr void session_fields(auto& frame, auto& visit) {
    visit.number(1, frame.session, std::uint64_t{1}, any_number);
    visit.text(2, frame.user, max_user, true);
    visit.number(3, frame.limit, std::uint32_t{1}, max_limit);
    visit.number(4, frame.since, std::uint64_t{0}, latest);
    visit.text(5, frame.service, max_service, false);
    visit.text(6, frame.tty, max_tty, false);
    visit.text(7, frame.origin, max_origin, false);
    visit.text(8, frame.rule, max_rule, false);
    visit.optional_number(10, frame.uid, last_uid);
}

constexpr void fields(Is<ClaimFrame> auto& frame, auto& visit) {
    session_fields(frame, visit);
    visit.flag(9, frame.enforced);
}

constexpr void fields(Is<ListedFrame> auto& frame, auto& visit) {
    session_fields(frame, visit);
}

constexpr void fields(Is<ListEnd> auto&, auto&) {}

constexpr void fields(Is<ReleaseFrame> auto& frame, auto& visit) {
    visit.number(1, frame.session, std::uint64_t{1}, any_number);
}

constexpr void fields(Is<OverLimitFrame> auto& frame, auto& visit) {
    visit.number(1, frame.session, std::uint64_t{1}, any_number);
}

constexpr void fields(Is<EndedFrame> auto& frame, auto& visit) {
    visit.number(1, frame.order, std::uint64_t{1}, any_number);
    visit.number(2, frame.count, std::uint32_t{0}, any_count);
}

constexpr void fields(Is<AnswerFrame> auto& frame, auto& visit) {
    visit.number(1, frame.session, std::uint64_t{1}, any_number);
    visit.number(2, frame.outcome, Outcome::granted, Outcome::unknown);
    visit.number(3, frame.count, std::uint32_t{0}, any_count);
    visit.holders(4, frame);
}

constexpr void fields(Is<StateFrame> auto& frame, auto& visit) {
    visit.flag(1, frame.up);
    visit.text(2, frame.reason, max_reason, false);
}

constexpr void fields(Is<RepairingFrame> auto& frame, auto& visit) {
    visit.number(1, frame.count, std::uint32_t{1}, any_count);
}

constexpr void fields(Is<EndFrame> auto& frame, auto& visit) {
    visit.number(1, frame.order, std::uint64_t{1}, any_number);
    visit.number(2, frame.what, EndOrder::Kind::user, EndOrder::Kind::credential);
    visit.text(3, frame.subject, max_subject, true);
    visit.text(4, frame.by, max_user, true);
    visit.text(5, frame.reason, max_reason, false);
}

// --- Holders -------------------------------------------------------------------------------------------------------

// Each holder is the time since which it occupies the slot (8 bytes), the length of the name (1 byte), and the name.
constexpr std::size_t holder_head = sizeof(std::uint64_t) + 1;
constexpr std::size_t max_holders_size = max_holders * (holder_head + max_name);

bool is_valid(const HolderView& holder) noexcept {
    return is_valid_name(holder.host) && holder.since <= latest;
}

Done read_holders(Bytes value, AnswerFrame& frame) noexcept {
    for (frame.holder_count = 0; !value.empty(); ++frame.holder_count) {
        if (frame.holder_count == max_holders || value.size() < holder_head) {
            return unexpected(WireError::bad_field);
        }
        HolderView& holder = frame.holders[frame.holder_count];
        std::memcpy(&holder.since, value.data(), sizeof holder.since);
        const auto length = static_cast<std::size_t>(value[sizeof holder.since]);
        value = value.subspan(holder_head);
        if (value.size() < length) {
            return unexpected(WireError::bad_field);
        }
        holder.host = {reinterpret_cast<const char*>(value.data()), length};
        value = value.subspan(length);
        if (!is_valid(holder)) {
            return unexpected(WireError::bad_field);
        }
    }
    return frame.holder_count == 0 ? Done(unexpected(WireError::bad_field)) : Done();
}

// --- Visitors ------------------------------------------------------------------------------------------------------

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
    void optional_number(std::uint16_t at, std::optional<std::uint32_t>& out, std::uint32_t most) noexcept {
        if (at == tag) {
            number(at, out.emplace(), std::uint32_t{0}, most);
        }
    }
    void flag(std::uint16_t at, bool& out) noexcept {
        std::uint8_t bit = 0;
        number(at, bit, std::uint8_t{0}, std::uint8_t{1});
        out = at == tag ? bit != 0 : out;
    }
    void holders(std::uint16_t at, AnswerFrame& frame) noexcept {
        if (at == tag) {
            done = read_holders(value, frame);
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
    constexpr void optional_number(std::uint16_t, const std::optional<std::uint32_t>&, std::uint32_t) noexcept {
        add(sizeof(std::uint32_t));
    }
    constexpr void flag(std::uint16_t, const bool&) noexcept { add(1); }
    constexpr void holders(std::uint16_t, const AnswerFrame&) noexcept { add(max_holders_size); }
};

template <class Frame>
constexpr std::size_t largest() {
    const Frame frame{};
    Largest visit;
    fields(frame, visit);
    return visit.size;
}

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
    void optional_number(std::uint16_t tag, const std::optional<std::uint32_t>&, std::uint32_t) noexcept {
        require(tag, false);
    }
    void flag(std::uint16_t tag, const bool&) noexcept { require(tag); }
    void holders(std::uint16_t tag, const AnswerFrame&) noexcept { require(tag, false); }
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
    void optional_number(std::uint16_t tag, const std::optional<std::uint32_t>& value, std::uint32_t most) noexcept {
        if (value) {
            number(tag, *value, std::uint32_t{0}, most);
        }
    }
    void flag(std::uint16_t tag, const bool& value) noexcept { writer.number(tag, static_cast<std::uint8_t>(value)); }
    void holders(std::uint16_t tag, const AnswerFrame& frame) noexcept {
        std::array<std::byte, max_holders_size> bytes; // NOLINT: only written bytes are read
        std::size_t size = 0;
        writer.check(frame.holder_count <= max_holders);
        for (std::size_t at = 0; at < std::min(frame.holder_count, max_holders); ++at) {
            const HolderView& holder = frame.holders[at];
            if (!is_valid(holder)) {
                writer.check(false);
                return;
            }
            std::memcpy(&bytes[size], &holder.since, sizeof holder.since);
            bytes[size + sizeof holder.since] = static_cast<std::byte>(holder.host.size());
            std::memcpy(&bytes[size + holder_head], holder.host.data(), holder.host.size());
            size += holder_head + holder.host.size();
        }
        if (size > 0) {
            writer.bytes(tag, Bytes(bytes).first(size));
        }
    }
};

/// Checks the relations between fields.
template <class Frame>
bool is_consistent(const Frame&) noexcept {
    return true;
}
bool is_consistent(const AnswerFrame& frame) noexcept {
    return frame.holder_count <= frame.count && (frame.count == 0 || frame.outcome == Outcome::full);
}

} // namespace

std::expected<Kind, WireError> kind_of(std::span<const std::byte> frame) noexcept {
    const auto header = sesslimit::wire::header_of(frame, format);
    if (!header) {
        return unexpected(header.error());
    }
    const auto kind = static_cast<Kind>(header->kind);
    const bool is_known = (kind >= Kind::hello && kind <= Kind::ended) || (kind >= Kind::answer && kind <= Kind::end);
    return is_known ? std::expected<Kind, WireError>(kind) : unexpected(WireError::unknown_kind);
}

template <class Frame>
std::expected<std::size_t, WireError> encode(const Frame& message, std::span<std::byte> out) noexcept {
    FieldWriter visit{sesslimit::wire::Writer(out)};
    fields(message, visit);
    visit.writer.check(is_consistent(message));
    return visit.writer.finish(format, Frame::kind);
}

template <class Frame>
std::expected<Frame, WireError> decode(std::span<const std::byte> frame) noexcept {
    Frame message;
    sesslimit::wire::Seen seen;
    PresenceCheck check{seen};
    fields(message, check); // finds the last tag
    const Done read = sesslimit::wire::for_each_field(frame, kind_of(frame), Frame::kind, check.last, seen,
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
    if (!is_consistent(message)) {
        return unexpected(WireError::bad_field);
    }
    return message;
}

// Defines the functions for one type of frame.
#define SESSLIMIT_FRAME(Frame)                                                                                         \
    static_assert(largest<Frame>() <= max_frame);                                                                      \
    template std::expected<std::size_t, WireError> encode(const Frame&, std::span<std::byte>) noexcept;                \
    template std::expected<Frame, WireError> decode(std::span<const std::byte>) noexcept;

SESSLIMIT_FRAME(Hello)
SESSLIMIT_FRAME(ClaimFrame)
SESSLIMIT_FRAME(ListedFrame)
SESSLIMIT_FRAME(ListEnd)
SESSLIMIT_FRAME(ReleaseFrame)
SESSLIMIT_FRAME(EndedFrame)
SESSLIMIT_FRAME(AnswerFrame)
SESSLIMIT_FRAME(StateFrame)
SESSLIMIT_FRAME(OverLimitFrame)
SESSLIMIT_FRAME(RepairingFrame)
SESSLIMIT_FRAME(EndFrame)

} // namespace sesslimit::fleet::wire
