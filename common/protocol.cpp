// SPDX-License-Identifier: MIT
#include "common/protocol_fields.hpp"

#include <algorithm>

namespace sesslimit::wire {
namespace {

/// The set of fields found in a frame, which is one message between the PAM module and the daemon. The bit at the
/// position of a field's tag (number) is set if the frame contains the field. All tags are below 32.
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

Done read_text(Bytes value, std::size_t bound, std::string_view& out) noexcept {
    const std::string_view text(reinterpret_cast<const char*>(value.data()), value.size());
    if (Done fits = text_fits(text, bound); !fits) {
        return fits;
    }
    out = text;
    return {};
}

std::expected<Header, WireError> header_of(Bytes frame) noexcept {
    if (frame.size() > max_frame) {
        return unexpected(WireError::too_long);
    }
    if (frame.size() < version_end) {
        return unexpected(WireError::truncated);
    }
    Header header;
    std::memcpy(&header, frame.data(), std::min(frame.size(), header_size));
    if (header.magic != magic) {
        return unexpected(WireError::not_ours);
    }
    if (header.version != version) {
        return unexpected(WireError::other_version);
    }
    if (frame.size() < header_size || frame.size() - header_size != header.length) {
        return unexpected(WireError::truncated);
    }
    return header;
}

/// Calls take(tag, value) for every field of the frame whose tag is from 1 to `last`, in the order of the frame. Other
/// fields are skipped. Returns an error if the frame is not of the kind `kind`, or if a field occurs twice. Stops at
/// the first field for which take() returns an error.
template <class Tag, class Take>
Done for_each_field(Bytes frame, Kind kind, Tag last, Seen& seen, Take take) noexcept {
    const auto is = kind_of(frame);
    if (!is) {
        return unexpected(is.error());
    }
    if (*is != kind) {
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

Done take_gids(Bytes value, GidView& out) noexcept {
    if (Done fits = gids_fit(value.size()); !fits) {
        return fits;
    }
    out = GidView(value);
    return {};
}

Done take_open_flags(Bytes value, OpenRequest& request) noexcept {
    std::uint32_t flags = 0;
    if (Done read = read_number(value, flags); !read) {
        return read;
    }
    request.nested = (flags & flag_nested) != 0;
    request.gids_cut = (flags & flag_gids_cut) != 0;
    return {};
}

Done take_open_field(OpenRequest& request, OpenTag tag, Bytes value) noexcept {
    switch (tag) {
    case OpenTag::uid:
        return read_number(value, request.uid);
    case OpenTag::gids:
        return take_gids(value, request.gids);
    case OpenTag::flags:
        return take_open_flags(value, request);
    case OpenTag::budget:
        return read_number(value, request.budget_ms);
    default:
        break;
    }
    for (const TextRule& rule : open_texts) {
        if (rule.tag == tag) {
            return read_text(value, rule.bound, request.*rule.member);
        }
    }
    return {};
}

Done open_is_whole(const OpenRequest& request, const Seen& seen) noexcept {
    bool whole = seen.has(OpenTag::uid) && seen.has(OpenTag::gids) && seen.has(OpenTag::budget);
    for (const TextRule& rule : open_texts) {
        whole = whole && (!rule.must || seen.has(rule.tag));
    }
    if (!whole) {
        return unexpected(WireError::missing);
    }
    if (request.uid == no_uid || !budget_fits(request.budget_ms)) {
        return unexpected(WireError::bad_field);
    }
    return {};
}

Done take_outcome(Bytes value, Outcome& out) noexcept {
    std::uint8_t outcome = 0;
    if (Done read = read_number(value, outcome); !read) {
        return read;
    }
    if (!outcome_fits(outcome)) {
        return unexpected(WireError::bad_field);
    }
    out = static_cast<Outcome>(outcome);
    return {};
}

Done take_verdict_field(Verdict& verdict, VerdictTag tag, Bytes value) noexcept {
    switch (tag) {
    case VerdictTag::outcome:
        return take_outcome(value, verdict.outcome);
    case VerdictTag::session:
        return read_number(value, verdict.session);
    case VerdictTag::text:
        return read_text(value, max_text, verdict.text);
    }
    return {};
}

/// A writer that appends fields to a frame of the protocol. After the first error it ignores all later fields, and
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

    void gids(const GidView& gids) noexcept {
        check(gids_fit(gids.bytes().size()));
        field(static_cast<std::uint16_t>(OpenTag::gids), gids.bytes());
    }

    void check(Done done) noexcept {
        if (!done && !failed_) {
            failed_ = true;
            error_ = done.error();
        }
    }
    void check(bool fits) noexcept { check(fits ? Done{} : unexpected(WireError::bad_field)); }

    std::expected<std::size_t, WireError> finish(Kind kind) noexcept {
        if (failed_) {
            return unexpected(error_);
        }
        if (out_.size() < header_size) {
            return unexpected(WireError::no_room);
        }
        const Header header{magic, version, static_cast<std::uint16_t>(kind),
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

} // namespace

std::expected<Kind, WireError> kind_of(std::span<const std::byte> frame) noexcept {
    const auto header = header_of(frame);
    if (!header) {
        return unexpected(header.error());
    }
    const auto kind = static_cast<Kind>(header->kind);
    if (kind != Kind::open && kind != Kind::close && kind != Kind::verdict && kind != Kind::wait) {
        return unexpected(WireError::unknown_kind);
    }
    return kind;
}

std::expected<OpenRequest, WireError> decode_open(std::span<const std::byte> frame) noexcept {
    OpenRequest request;
    Seen seen;
    Done read = for_each_field(frame, Kind::open, OpenTag::seat, seen,
                               [&](OpenTag tag, Bytes value) noexcept { return take_open_field(request, tag, value); });
    if (read) {
        read = open_is_whole(request, seen);
    }
    if (!read) {
        return unexpected(read.error());
    }
    return request;
}

std::expected<CloseRequest, WireError> decode_close(std::span<const std::byte> frame) noexcept {
    CloseRequest request;
    Seen seen;
    const Done read = for_each_field(frame, Kind::close, CloseTag::session, seen, [&](CloseTag, Bytes value) noexcept {
        return read_number(value, request.session);
    });
    if (!read) {
        return unexpected(read.error());
    }
    return request;
}

std::expected<Verdict, WireError> decode_verdict(std::span<const std::byte> frame) noexcept {
    Verdict verdict;
    Seen seen;
    const Done read =
        for_each_field(frame, Kind::verdict, VerdictTag::text, seen,
                       [&](VerdictTag tag, Bytes value) noexcept { return take_verdict_field(verdict, tag, value); });
    if (!read) {
        return unexpected(read.error());
    }
    if (!seen.has(VerdictTag::outcome)) {
        return unexpected(WireError::missing);
    }
    if (!session_fits(verdict)) {
        return unexpected(WireError::bad_field);
    }
    return verdict;
}

std::expected<Wait, WireError> decode_wait(std::span<const std::byte> frame) noexcept {
    Wait wait;
    Seen seen;
    const Done read = for_each_field(frame, Kind::wait, WaitTag::more, seen,
                                     [&](WaitTag, Bytes value) noexcept { return read_number(value, wait.more_ms); });
    if (!read) {
        return unexpected(read.error());
    }
    if (!seen.has(WaitTag::more)) {
        return unexpected(WireError::missing);
    }
    if (!wait_fits(wait.more_ms)) {
        return unexpected(WireError::bad_field);
    }
    return wait;
}

std::string_view describe(WireError error) noexcept {
    switch (error) {
    case WireError::no_room:
        return "buffer too small for the protocol frame";
    case WireError::too_long:
        return "field or frame too long";
    case WireError::truncated:
        return "truncated frame";
    case WireError::not_ours:
        return "not a frame of the sesslimit protocol";
    case WireError::other_version:
        return "unsupported protocol version";
    case WireError::unknown_kind:
        return "unexpected frame type";
    case WireError::bad_field:
        return "malformed field";
    case WireError::repeated:
        return "duplicate field";
    case WireError::missing:
        return "missing field";
    }
    return "unknown error";
}

std::expected<std::size_t, WireError> encode(const OpenRequest& request, std::span<std::byte> out) noexcept {
    Writer writer(out);
    for (const TextRule& rule : open_texts) {
        writer.text(rule.tag, request.*rule.member, rule.bound, rule.must);
    }
    writer.check(request.uid != no_uid && budget_fits(request.budget_ms));
    writer.number(OpenTag::uid, request.uid);
    writer.gids(request.gids);
    const std::uint32_t flags = (request.nested ? flag_nested : 0) | (request.gids_cut ? flag_gids_cut : 0);
    if (flags != 0) {
        writer.number(OpenTag::flags, flags);
    }
    writer.number(OpenTag::budget, request.budget_ms);
    return writer.finish(Kind::open);
}

std::expected<std::size_t, WireError> encode(const CloseRequest& request, std::span<std::byte> out) noexcept {
    Writer writer(out);
    if (request.session != 0) {
        writer.number(CloseTag::session, request.session);
    }
    return writer.finish(Kind::close);
}

std::expected<std::size_t, WireError> encode(const Verdict& verdict, std::span<std::byte> out) noexcept {
    Writer writer(out);
    writer.check(outcome_fits(static_cast<std::uint8_t>(verdict.outcome)) && session_fits(verdict));
    writer.number(VerdictTag::outcome, static_cast<std::uint8_t>(verdict.outcome));
    if (verdict.session != 0) {
        writer.number(VerdictTag::session, verdict.session);
    }
    writer.text(VerdictTag::text, verdict.text, max_text, false);
    return writer.finish(Kind::verdict);
}

std::expected<std::size_t, WireError> encode(const Wait& wait, std::span<std::byte> out) noexcept {
    Writer writer(out);
    writer.check(wait_fits(wait.more_ms));
    writer.number(WaitTag::more, wait.more_ms);
    return writer.finish(Kind::wait);
}

} // namespace sesslimit::wire
