// SPDX-License-Identifier: MIT
#include "fleet/protocol.hpp"

#include "fleet/frame_fields.hpp"
#include "fleet/same_type.hpp"

#include <limits>

namespace sesslimit::fleet::wire {
namespace {

constexpr std::uint64_t any_number = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t any_count = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t latest = std::uint64_t{1} << 62;
constexpr std::uint32_t last_uid = any_count - 1;

// --- Holders -------------------------------------------------------------------------------------------------------

/// The holders of an answer. Each is the time since which it occupies the slot (8 bytes), the length of the name (1
/// byte), and the name.
struct Holders {
    static constexpr std::size_t head = sizeof(std::uint64_t) + 1;
    static constexpr std::size_t max_size = max_holders * (head + max_name);

    static bool is_valid(const HolderView& holder) noexcept {
        return is_valid_name(holder.host) && holder.since <= latest;
    }

    static Done read(Bytes value, AnswerFrame& frame) noexcept {
        for (frame.holder_count = 0; !value.empty(); ++frame.holder_count) {
            if (frame.holder_count == max_holders || value.size() < head) {
                return unexpected(WireError::bad_field);
            }
            HolderView& holder = frame.holders[frame.holder_count];
            std::memcpy(&holder.since, value.data(), sizeof holder.since);
            const auto length = static_cast<std::size_t>(value[sizeof holder.since]);
            value = value.subspan(head);
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

    /// Returns the number of written bytes, or nullopt if a holder is not valid.
    static std::optional<std::size_t> write(const AnswerFrame& frame, std::span<std::byte> out) noexcept {
        std::size_t size = 0;
        for (std::size_t at = 0; at < frame.holder_count; ++at) {
            if (at == max_holders || !is_valid(frame.holders[at])) {
                return std::nullopt;
            }
            const HolderView& holder = frame.holders[at];
            std::memcpy(&out[size], &holder.since, sizeof holder.since);
            out[size + sizeof holder.since] = static_cast<std::byte>(holder.host.size());
            std::memcpy(&out[size + head], holder.host.data(), holder.host.size());
            size += head + holder.host.size();
        }
        return size;
    }
};

// --- The fields of each kind of frame ------------------------------------------------------------------------------

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
    visit.template packed<Holders>(4, frame);
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

/// Checks the relations between fields.
template <class Frame>
bool is_consistent(const Frame&) noexcept {
    return true;
}
bool is_consistent(const AnswerFrame& frame) noexcept {
    return frame.holder_count <= frame.count && (frame.count == 0 || frame.outcome == Outcome::full);
}

struct Protocol {
    using Kind = wire::Kind;
    using Requests = DaemonFrame;
    using Replies = FleetdFrame;
    static constexpr sesslimit::wire::Format format{
        .magic = {'S', 'L', 'F', 'L'}, .version = version, .max_frame = max_frame};
    static constexpr void fields(auto& frame, auto& visit) { wire::fields(frame, visit); }
    static bool is_consistent(const auto& frame) noexcept { return wire::is_consistent(frame); }
};
using Codec = FrameCodec<Protocol>;

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

std::expected<DaemonFrame, WireError> decode_daemon_frame(std::span<const std::byte> frame) noexcept {
    return Codec::decode_any<DaemonFrame>(frame);
}

std::expected<FleetdFrame, WireError> decode_fleetd_frame(std::span<const std::byte> frame) noexcept {
    return Codec::decode_any<FleetdFrame>(frame);
}

// Defines the functions for one type of frame.
#define SESSLIMIT_FRAME(Frame)                                                                                         \
    static_assert(Codec::largest<Frame>() <= max_frame);                                                               \
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
