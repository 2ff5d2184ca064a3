// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"
#include "fleet/record.hpp"

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

/// The protocol between sesslimitd and sesslimit-fleetd, as specified in docs/fleet-protocol.md. Each message is one
/// frame. The functions do not allocate memory, throw or use descriptors. Texts of a decoded message are views into its
/// frame. An empty text is not sent.
namespace sesslimit::fleet::wire {

using sesslimit::wire::WireError;

inline constexpr std::uint16_t version = 1;
inline constexpr char default_socket[] = "/run/sesslimit-fleet.sock";
inline constexpr std::size_t max_frame = 2048; ///< Maximum length of a frame in bytes.
inline constexpr std::size_t max_holders = 16; ///< Maximum number of holders in an answer.
inline constexpr std::size_t max_reason = 255; ///< Maximum length of a reason in bytes.

/// The kinds of frames. The daemon sends those below 16, and sesslimit-fleetd sends the others.
enum class Kind : std::uint16_t {
    hello = 1,
    claim,
    listed,
    list_end,
    release,
    ended,
    answer = 16,
    state,
    over_limit,
    repairing,
    end,
};

/// The first frame of the daemon on a connection.
struct Hello {
    static constexpr Kind kind = Kind::hello;
    std::string_view policy; ///< Digest of the policy in effect; may be empty.
};

/// A session of the daemon.
struct SessionFrame {
    std::uint64_t session = 0; ///< Number of the session, not 0.
    std::string_view user;     ///< Never empty.
    std::uint32_t limit = 0;   ///< Limit of the user in the fleet, 1 to max_limit.
    std::uint64_t since = 0;   ///< Start of the session in seconds since the Epoch, at most 2^62.
    std::string_view service;
    std::string_view tty;
    std::string_view origin;
    std::string_view rule;
    std::optional<std::uint32_t> uid; ///< User ID; absent if it is not known. Never 2^32 - 1.
};

/// The claim of a slot for a login that the daemon would admit. One answer follows.
struct ClaimFrame : SessionFrame {
    static constexpr Kind kind = Kind::claim;
    bool enforced = true; ///< False if the session is recorded although the limit is reached.
};

/// A session of the list that the daemon sends after Hello. It has no answer.
struct ListedFrame : SessionFrame {
    static constexpr Kind kind = Kind::listed;
};

/// The end of the list.
struct ListEnd {
    static constexpr Kind kind = Kind::list_end;
};

/// The end of a session, or the denial of a login after its claim.
struct ReleaseFrame {
    static constexpr Kind kind = Kind::release;
    std::uint64_t session = 0; ///< Not 0.
};

/// The result of an order to terminate sessions.
struct EndedFrame {
    static constexpr Kind kind = Kind::ended;
    std::uint64_t order = 0; ///< Number of the order, not 0.
    std::uint32_t count = 0; ///< Number of sessions that are being terminated.
};

/// The decision about a claim.
enum class Outcome : std::uint8_t {
    granted = 1,
    full = 2,    ///< The limit is reached.
    unknown = 3, ///< The store has not answered. The session is recorded later unless the daemon releases it.
};

struct HolderView {
    std::string_view host; ///< A valid name.
    std::uint64_t since = 0;
};

/// The answer to a claim.
struct AnswerFrame {
    static constexpr Kind kind = Kind::answer;
    std::uint64_t session = 0; ///< Not 0.
    Outcome outcome = Outcome::unknown;
    std::uint32_t count = 0; ///< Number of occupied slots of the user; 0 unless the outcome is `full`.
    std::array<HolderView, max_holders> holders{};
    std::size_t holder_count = 0; ///< Number of valid elements of `holders`, at most `count`.
};

/// The state of the connection to the store. Sent after Hello, and after each change.
struct StateFrame {
    static constexpr Kind kind = Kind::state;
    bool up = false;
    std::string_view reason; ///< Reason why it is down, one line that is escaped for display; may be empty.
};

/// A report that a session was recorded although the limit of its user was reached.
struct OverLimitFrame {
    static constexpr Kind kind = Kind::over_limit;
    std::uint64_t session = 0; ///< Not 0.
};

/// A report that records of existing sessions were missing, and are written again.
struct RepairingFrame {
    static constexpr Kind kind = Kind::repairing;
    std::uint32_t count = 0; ///< Number of these sessions, not 0.
};

/// An order to terminate the sessions of a user or of a credential.
struct EndFrame {
    static constexpr Kind kind = Kind::end;
    std::uint64_t order = 0; ///< Number of the order, not 0.
    EndOrder::Kind what = EndOrder::Kind::user;
    std::string_view subject; ///< User name or credential, never empty.
    std::string_view by;      ///< Administrator who requested it, never empty.
    std::string_view reason;
};

/// The frames of the daemon, and those of sesslimit-fleetd.
using DaemonFrame = std::variant<Hello, ClaimFrame, ListedFrame, ListEnd, ReleaseFrame, EndedFrame>;
using FleetdFrame = std::variant<AnswerFrame, StateFrame, OverLimitFrame, RepairingFrame, EndFrame>;

/// Returns the kind of a frame. Checks only the header of the frame.
std::expected<Kind, WireError> kind_of(std::span<const std::byte> frame) noexcept;

/// Writes one frame to the start of `out` and returns its length in bytes. After an error the contents of `out` are
/// unspecified. `Frame` is one of the types above that have a kind.
template <class Frame>
std::expected<std::size_t, WireError> encode(const Frame& message, std::span<std::byte> out) noexcept;

/// Reads one frame. Checks all bounds and ignores unknown fields.
template <class Frame>
std::expected<Frame, WireError> decode(std::span<const std::byte> frame) noexcept;

/// Reads a frame of one side.
std::expected<DaemonFrame, WireError> decode_daemon_frame(std::span<const std::byte> frame) noexcept;
std::expected<FleetdFrame, WireError> decode_fleetd_frame(std::span<const std::byte> frame) noexcept;

} // namespace sesslimit::fleet::wire
