// SPDX-License-Identifier: MIT
#include "common/protocol_fields.hpp"

namespace sesslimit::wire {
namespace {

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

} // namespace

std::expected<Kind, WireError> kind_of(std::span<const std::byte> frame) noexcept {
    const auto header = header_of(frame, pam_format);
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
    Done read = for_each_field(frame, kind_of(frame), Kind::open, OpenTag::seat, seen,
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
    const Done read =
        for_each_field(frame, kind_of(frame), Kind::close, CloseTag::session, seen,
                       [&](CloseTag, Bytes value) noexcept { return read_number(value, request.session); });
    if (!read) {
        return unexpected(read.error());
    }
    return request;
}

std::expected<Verdict, WireError> decode_verdict(std::span<const std::byte> frame) noexcept {
    Verdict verdict;
    Seen seen;
    const Done read =
        for_each_field(frame, kind_of(frame), Kind::verdict, VerdictTag::text, seen,
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
    const Done read = for_each_field(frame, kind_of(frame), Kind::wait, WaitTag::more, seen,
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
    writer.check(gids_fit(request.gids.bytes().size()));
    writer.bytes(OpenTag::gids, request.gids.bytes());
    const std::uint32_t flags = (request.nested ? flag_nested : 0) | (request.gids_cut ? flag_gids_cut : 0);
    if (flags != 0) {
        writer.number(OpenTag::flags, flags);
    }
    writer.number(OpenTag::budget, request.budget_ms);
    return writer.finish(pam_format, Kind::open);
}

std::expected<std::size_t, WireError> encode(const CloseRequest& request, std::span<std::byte> out) noexcept {
    Writer writer(out);
    if (request.session != 0) {
        writer.number(CloseTag::session, request.session);
    }
    return writer.finish(pam_format, Kind::close);
}

std::expected<std::size_t, WireError> encode(const Verdict& verdict, std::span<std::byte> out) noexcept {
    Writer writer(out);
    writer.check(outcome_fits(static_cast<std::uint8_t>(verdict.outcome)) && session_fits(verdict));
    writer.number(VerdictTag::outcome, static_cast<std::uint8_t>(verdict.outcome));
    if (verdict.session != 0) {
        writer.number(VerdictTag::session, verdict.session);
    }
    writer.text(VerdictTag::text, verdict.text, max_text, false);
    return writer.finish(pam_format, Kind::verdict);
}

std::expected<std::size_t, WireError> encode(const Wait& wait, std::span<std::byte> out) noexcept {
    Writer writer(out);
    writer.check(wait_fits(wait.more_ms));
    writer.number(WaitTag::more, wait.more_ms);
    return writer.finish(pam_format, Kind::wait);
}

} // namespace sesslimit::wire
