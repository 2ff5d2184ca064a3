// SPDX-License-Identifier: MIT
#include "fleet/admin_protocol.hpp"

#include "fleet/frame_fields.hpp"
#include "fleet/same_type.hpp"

#include <limits>

namespace sesslimit::fleet::admin {
namespace {

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

struct Protocol {
    using Kind = admin::Kind;
    using Requests = Request;
    using Replies = Row;
    static constexpr sesslimit::wire::Format format{
        .magic = {'S', 'L', 'F', 'L'}, .version = version, .max_frame = max_frame};
    static constexpr void fields(auto& frame, auto& visit) { admin::fields(frame, visit); }
    static bool is_consistent(const auto& frame) noexcept { return admin::is_consistent(frame); }
};
using Codec = wire::FrameCodec<Protocol>;

} // namespace

std::expected<Kind, WireError> kind_of(std::span<const std::byte> frame) noexcept {
    return Codec::kind_of(frame);
}

template <class Frame>
std::expected<std::size_t, WireError> encode(const Frame& message, std::span<std::byte> out) noexcept {
    return Codec::encode(message, out);
}

template <class Frame>
std::expected<Frame, WireError> decode(std::span<const std::byte> frame) noexcept {
    return Codec::decode<Frame>(frame);
}

std::expected<Request, WireError> decode_request(std::span<const std::byte> frame) noexcept {
    return Codec::decode_any<Request>(frame);
}

std::expected<Row, WireError> decode_row(std::span<const std::byte> frame) noexcept {
    return Codec::decode_any<Row>(frame);
}

std::expected<std::size_t, WireError> encode_any(const Request& request, std::span<std::byte> out) noexcept {
    return Codec::encode_any(request, out);
}

std::expected<std::size_t, WireError> encode_any(const Row& row, std::span<std::byte> out) noexcept {
    return Codec::encode_any(row, out);
}

// Defines the functions for one type of frame.
#define SESSLIMIT_FRAME(Frame)                                                                                         \
    static_assert(Codec::largest<Frame>() <= max_frame);                                                               \
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
