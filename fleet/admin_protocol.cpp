// SPDX-License-Identifier: MIT
#include "fleet/admin_protocol.hpp"

#include "fleet/frame_fields.hpp"
#include "fleet/same_type.hpp"

#include <limits>
#include <type_traits>

namespace sesslimit::fleet::admin {
namespace {

using std::unexpected;

constexpr sesslimit::wire::Format format{.magic = {'S', 'L', 'F', 'L'}, .version = version, .max_frame = max_frame};

constexpr std::uint64_t any_number = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t any_count = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t latest = std::uint64_t{1} << 62;
constexpr std::uint32_t last_uid = any_count - 1;

// --- The fields of each kind of frame ------------------------------------------------------------------------------

constexpr void fields(Is<List> auto& frame, auto& visit) {
    visit.text(1, frame.user, max_user, false);
    visit.optional_number(2, frame.uid, last_uid);
}

constexpr void fields(Is<Hosts> auto&, auto&) {}

constexpr void fields(Is<Status> auto&, auto&) {}

constexpr void fields(Is<End> auto& frame, auto& visit) {
    visit.number(1, frame.what, EndOrder::Kind::user, EndOrder::Kind::credential);
    visit.text(2, frame.subject, max_subject, false);
    visit.optional_number(3, frame.uid, last_uid);
    visit.text(4, frame.by, max_user, true);
    visit.text(5, frame.reason, fleet::max_reason, false);
    visit.number(6, frame.timeout_ms, std::uint32_t{1}, max_timeout_ms);
}

constexpr void fields(Is<Drain> auto& frame, auto& visit) {
    visit.text(1, frame.by, max_user, true);
}

constexpr void fields(Is<Forget> auto& frame, auto& visit) {
    visit.text(1, frame.host, max_name, true);
    visit.text(2, frame.by, max_user, true);
}

constexpr void fields(Is<SessionRow> auto& frame, auto& visit) {
    visit.text(1, frame.host, max_name, true);
    visit.number(2, frame.session, std::uint64_t{1}, any_number);
    visit.text(3, frame.user, max_user, false);
    visit.optional_number(4, frame.uid, last_uid);
    visit.number(5, frame.slot, std::uint32_t{1}, max_slot);
    visit.number(6, frame.since, std::uint64_t{0}, latest);
    visit.text(7, frame.service, max_service, false);
    visit.text(8, frame.tty, max_tty, false);
    visit.text(9, frame.origin, max_origin, false);
    visit.text(10, frame.rule, max_rule, false);
}

constexpr void fields(Is<HostRow> auto& frame, auto& visit) {
    visit.text(1, frame.name, max_name, true);
    visit.flag(2, frame.is_this);
    visit.text(3, frame.version, max_id, false);
    visit.text(4, frame.policy, max_id, false);
    visit.optional_number(5, frame.sessions, any_count);
}

constexpr void fields(Is<StateRow> auto& frame, auto& visit) {
    visit.text(1, frame.fleet, max_name, true);
    visit.text(2, frame.host, max_name, true);
    visit.text(3, frame.version, max_id, false);
    visit.flag(4, frame.up);
    visit.text(5, frame.reason, max_text, false);
    visit.flag(6, frame.by_uid);
    visit.number(7, frame.lease, std::uint64_t{0}, any_number);
    visit.number(8, frame.ttl, std::uint32_t{0}, any_count);
    visit.number(9, frame.sessions, std::uint32_t{0}, any_count);
}

constexpr void fields(Is<NodeRow> auto& frame, auto& visit) {
    visit.text(1, frame.endpoint, max_endpoint, true);
    visit.flag(2, frame.reachable);
    visit.text(3, frame.problem, max_text, false);
    visit.text(4, frame.version, max_id, false);
    visit.flag(5, frame.leader);
    visit.optional_number(6, frame.member, any_number);
    visit.optional_number(7, frame.size, any_number);
    visit.optional_number(8, frame.in_use, any_number);
    visit.optional_number(9, frame.quota, any_number);
    visit.optional_number(10, frame.revision, any_number);
    visit.optional_number(11, frame.raft_index, any_number);
    visit.optional_number(12, frame.raft_applied, any_number);
    visit.optional_number(13, frame.latency_us, any_count);
}

constexpr void fields(Is<AlarmRow> auto& frame, auto& visit) {
    visit.number(1, frame.type, AlarmRow::Type::other, AlarmRow::Type::corrupt);
    visit.number(2, frame.member, std::uint64_t{0}, any_number);
}

constexpr void fields(Is<EndedRow> auto& frame, auto& visit) {
    visit.text(1, frame.host, max_name, true);
    visit.flag(2, frame.answered);
    visit.number(3, frame.count, std::uint32_t{0}, any_count);
}

constexpr void fields(Is<Done> auto& frame, auto& visit) {
    visit.number(1, frame.code, Done::Code::ok, Done::Code::not_found);
    visit.text(2, frame.text, max_text, false);
}

struct Fields {
    constexpr void operator()(auto& frame, auto& visit) const { fields(frame, visit); }
};

/// Checks the relations between fields.
template <class Frame>
bool is_consistent(const Frame&) noexcept {
    return true;
}
bool is_consistent(const End& frame) noexcept {
    return frame.what == EndOrder::Kind::user ? !frame.subject.empty() || frame.uid
                                              : !frame.subject.empty() && !frame.uid;
}
bool is_consistent(const SessionRow& frame) noexcept {
    return frame.user.empty() == frame.uid.has_value();
}
bool is_consistent(const EndedRow& frame) noexcept {
    return frame.answered || frame.count == 0;
}

/// Reads a frame as the alternative of `Variant` that has its kind.
template <class Variant, std::size_t at = 0>
std::expected<Variant, WireError> decode_any(std::span<const std::byte> frame, Kind kind) noexcept {
    if constexpr (at == std::variant_size_v<Variant>) {
        return unexpected(WireError::unknown_kind);
    } else {
        using Frame = std::variant_alternative_t<at, Variant>;
        if (Frame::kind != kind) {
            return decode_any<Variant, at + 1>(frame, kind);
        }
        const auto message = decode<Frame>(frame);
        return message ? std::expected<Variant, WireError>(*message) : unexpected(message.error());
    }
}

/// Writes the frame that a variant contains. std::visit() is not noexcept.
template <class Variant, std::size_t at = 0>
std::expected<std::size_t, WireError> encode_alternative(const Variant& frames, std::span<std::byte> out) noexcept {
    if constexpr (at == std::variant_size_v<Variant>) {
        return unexpected(WireError::unknown_kind);
    } else {
        const auto* frame = std::get_if<at>(&frames);
        return frame != nullptr ? encode(*frame, out) : encode_alternative<Variant, at + 1>(frames, out);
    }
}

} // namespace

std::expected<Kind, WireError> kind_of(std::span<const std::byte> frame) noexcept {
    const auto header = sesslimit::wire::header_of(frame, format);
    if (!header) {
        return unexpected(header.error());
    }
    const auto kind = static_cast<Kind>(header->kind);
    const bool is_known = (kind >= Kind::list && kind <= Kind::forget) || (kind >= Kind::session && kind <= Kind::done);
    return is_known ? std::expected<Kind, WireError>(kind) : unexpected(WireError::unknown_kind);
}

template <class Frame>
std::expected<std::size_t, WireError> encode(const Frame& message, std::span<std::byte> out) noexcept {
    return wire::write_frame(message, format, out, Fields{}, is_consistent(message));
}

template <class Frame>
std::expected<Frame, WireError> decode(std::span<const std::byte> frame) noexcept {
    auto message = wire::read_frame<Frame>(frame, kind_of(frame), Fields{});
    if (message && !is_consistent(*message)) {
        return unexpected(WireError::bad_field);
    }
    return message;
}

std::expected<Request, WireError> decode_request(std::span<const std::byte> frame) noexcept {
    const auto kind = kind_of(frame);
    return kind ? decode_any<Request>(frame, *kind) : unexpected(kind.error());
}

std::expected<Row, WireError> decode_row(std::span<const std::byte> frame) noexcept {
    const auto kind = kind_of(frame);
    return kind ? decode_any<Row>(frame, *kind) : unexpected(kind.error());
}

std::expected<std::size_t, WireError> encode_any(const Request& request, std::span<std::byte> out) noexcept {
    return encode_alternative(request, out);
}

std::expected<std::size_t, WireError> encode_any(const Row& row, std::span<std::byte> out) noexcept {
    return encode_alternative(row, out);
}

// Defines the functions for one type of frame.
#define SESSLIMIT_FRAME(Frame)                                                                                         \
    static_assert(wire::largest<Frame>(Fields{}) <= max_frame);                                                        \
    template std::expected<std::size_t, WireError> encode(const Frame&, std::span<std::byte>) noexcept;                \
    template std::expected<Frame, WireError> decode(std::span<const std::byte>) noexcept;

SESSLIMIT_FRAME(List)
SESSLIMIT_FRAME(Hosts)
SESSLIMIT_FRAME(Status)
SESSLIMIT_FRAME(End)
SESSLIMIT_FRAME(Drain)
SESSLIMIT_FRAME(Forget)
SESSLIMIT_FRAME(SessionRow)
SESSLIMIT_FRAME(HostRow)
SESSLIMIT_FRAME(StateRow)
SESSLIMIT_FRAME(NodeRow)
SESSLIMIT_FRAME(AlarmRow)
SESSLIMIT_FRAME(EndedRow)
SESSLIMIT_FRAME(Done)

} // namespace sesslimit::fleet::admin
