// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"
#include "fleet/record.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

/// The protocol between sesslimitctl and sesslimit-fleetd, as specified in docs/fleet-protocol.md. A request is one
/// frame. The reply is a number of frames, of which the last one is Done. The functions do not allocate memory, throw
/// or use descriptors. Texts of a decoded message are views into its frame. An empty text is not sent.
namespace sesslimit::fleet::admin {

using sesslimit::wire::WireError;

inline constexpr std::uint16_t version = 1;
inline constexpr char default_socket[] = "/run/sesslimit-fleet-admin.sock";
inline constexpr std::size_t max_frame = 2048;   ///< Maximum length of a frame in bytes.
inline constexpr std::size_t max_text = 512;     ///< Maximum length of an explanation in bytes.
inline constexpr std::size_t max_endpoint = 262; ///< Maximum length of HOST:PORT in bytes.
inline constexpr std::uint32_t max_timeout_ms = 60'000;

/// The kinds of frames. sesslimitctl sends those below 48, and sesslimit-fleetd sends the others.
enum class Kind : std::uint16_t {
    list = 32,
    hosts,
    status,
    end,
    drain,
    forget,
    session = 48,
    host,
    state,
    node,
    alarm,
    ended,
    done,
};

// --- Requests -------------------------------------------------------------------------------------------------------

/// Requests the sessions of all users, or of one user if it is given by the name or by the user ID. If both are given,
/// the fleet's way to identify users selects one of them.
struct List {
    static constexpr Kind kind = Kind::list;
    std::string_view user{};
    std::optional<std::uint32_t> uid{};
};

/// Requests the hosts of the fleet.
struct Hosts {
    static constexpr Kind kind = Kind::hosts;
};

/// Requests the state of this host and of all nodes of etcd.
struct Status {
    static constexpr Kind kind = Kind::status;
};

/// Requests the termination of the sessions of a user or of a credential on all hosts.
struct End {
    static constexpr Kind kind = Kind::end;
    EndOrder::Kind what = EndOrder::Kind::user;
    std::string_view subject{};         ///< User name or credential. Empty only if there is a user ID.
    std::optional<std::uint32_t> uid{}; ///< User ID of the user, as in List. Absent with a credential.
    std::string_view by{};              ///< Administrator, never empty.
    std::string_view reason{};          ///< Text for the users.
    std::uint32_t timeout_ms = 5000;    ///< Time in which the hosts can answer, 1 to max_timeout_ms.
};

/// Requests that this host leaves the fleet until sesslimit-fleetd is restarted.
struct Drain {
    static constexpr Kind kind = Kind::drain;
    std::string_view by{}; ///< Administrator, never empty.
};

/// Requests the deletion of the slots of another host.
struct Forget {
    static constexpr Kind kind = Kind::forget;
    std::string_view host{}; ///< Never empty.
    std::string_view by{};   ///< Administrator, never empty.
};

// --- Replies --------------------------------------------------------------------------------------------------------

/// A session, or a slot that was freed. It has either a user name or a user ID, by which the fleet identifies users.
struct SessionRow {
    static constexpr Kind kind = Kind::session;
    std::string_view host{};   ///< Never empty.
    std::uint64_t session = 0; ///< Number of the session on its host, not 0.
    std::string_view user{};
    std::optional<std::uint32_t> uid{};
    std::uint32_t slot = 0;                              ///< 1 to max_slot.
    std::uint64_t since = 0;                             ///< Seconds since the Epoch, at most 2^62.
    std::string_view service{}, tty{}, origin{}, rule{}; ///< Empty if not known.
};

/// A host of the fleet.
struct HostRow {
    static constexpr Kind kind = Kind::host;
    std::string_view name{}; ///< Never empty.
    bool is_this = false;    ///< The host that answers.
    std::string_view version{};
    std::string_view policy{};               ///< Digest of the policy.
    std::optional<std::uint32_t> sessions{}; ///< Number of recorded sessions, if known.
};

/// The state of this host.
struct StateRow {
    static constexpr Kind kind = Kind::state;
    std::string_view fleet{}; ///< Never empty.
    std::string_view host{};  ///< Never empty.
    std::string_view version{};
    bool up = false;
    std::string_view reason{};  ///< Reason why the host claims no slots; empty if `up`.
    bool by_uid = false;        ///< The fleet identifies users by their IDs.
    std::uint64_t lease = 0;    ///< 0: none.
    std::uint32_t ttl = 0;      ///< Seconds after which the records of a lost host are deleted.
    std::uint32_t sessions = 0; ///< Number of recorded sessions.
};

/// A node of etcd. If it is not reachable, `problem` contains the reason, and the numbers are absent.
struct NodeRow {
    static constexpr Kind kind = Kind::node;
    std::string_view endpoint{}; ///< HOST:PORT, never empty.
    bool reachable = false;
    std::string_view problem{};
    std::string_view version{};
    bool leader = false;
    std::optional<std::uint64_t> member{};
    std::optional<std::uint64_t> size{};     ///< Size of the database in bytes.
    std::optional<std::uint64_t> in_use{};   ///< Part of it that is not free, in bytes.
    std::optional<std::uint64_t> quota{};    ///< Maximum size in bytes. Absent if this release does not report it.
    std::optional<std::uint64_t> revision{}; ///< Last revision that the node has applied.
    std::optional<std::uint64_t> raft_index{};
    std::optional<std::uint64_t> raft_applied{};
    std::optional<std::uint32_t> latency_us{}; ///< Time until its answer arrived.
};

/// An alarm of etcd.
struct AlarmRow {
    static constexpr Kind kind = Kind::alarm;
    enum class Type : std::uint8_t { other = 0, no_space = 1, corrupt = 2 };
    Type type = Type::other;
    std::uint64_t member = 0; ///< Node that has raised it.
};

/// The result of an order to terminate sessions on one host.
struct EndedRow {
    static constexpr Kind kind = Kind::ended;
    std::string_view host{}; ///< Never empty.
    bool answered = false;
    std::uint32_t count = 0; ///< Number of sessions that are being terminated; 0 if the host has not answered.
};

/// The end of a reply.
struct Done {
    static constexpr Kind kind = Kind::done;
    enum class Code : std::uint8_t { ok, failed, not_allowed, not_found };
    Code code = Code::ok;
    std::string_view text{}; ///< What is wrong and what to do, or a note if the code is `ok`. May be empty.
};

using Request = std::variant<List, Hosts, Status, End, Drain, Forget>;
using Row = std::variant<SessionRow, HostRow, StateRow, NodeRow, AlarmRow, EndedRow, Done>;

/// Returns the kind of a frame. Checks only the header of the frame.
std::expected<Kind, WireError> kind_of(std::span<const std::byte> frame) noexcept;

/// Writes one frame to the start of `out` and returns its length in bytes. After an error the contents of `out` are
/// unspecified. `Frame` is one of the types above that have a kind.
template <class Frame>
std::expected<std::size_t, WireError> encode(const Frame& message, std::span<std::byte> out) noexcept;

/// Reads one frame. Checks all bounds and ignores unknown fields.
template <class Frame>
std::expected<Frame, WireError> decode(std::span<const std::byte> frame) noexcept;

/// Reads a request, or a frame of a reply.
std::expected<Request, WireError> decode_request(std::span<const std::byte> frame) noexcept;
std::expected<Row, WireError> decode_row(std::span<const std::byte> frame) noexcept;

/// Writes a request, or a frame of a reply.
std::expected<std::size_t, WireError> encode_any(const Request& request, std::span<std::byte> out) noexcept;
std::expected<std::size_t, WireError> encode_any(const Row& row, std::span<std::byte> out) noexcept;

} // namespace sesslimit::fleet::admin
