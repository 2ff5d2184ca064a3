// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/keys.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The values of the fleet's keys in etcd. A value is a list of fields as in the query of a URL, such as
/// "host=web1&session=7". Decoding checks all bounds. Unknown fields are ignored, so that hosts with different versions
/// can share a fleet. Times are seconds since the Epoch, and are only displayed.
namespace sesslimit::fleet {

/// Upper bounds of the texts in a record, in bytes before they are escaped.
inline constexpr std::size_t max_service = 64;
inline constexpr std::size_t max_tty = 64;
inline constexpr std::size_t max_origin = 255;
inline constexpr std::size_t max_rule = 64;
inline constexpr std::size_t max_id = 64;       ///< Length of a machine ID, a boot ID, a version or a digest.
inline constexpr std::size_t max_subject = 255; ///< User or credential of an order to terminate sessions.
inline constexpr std::size_t max_reason = 255;
inline constexpr std::chrono::milliseconds max_spread{60'000};

/// Upper bound of each value in bytes. Escaping makes a text at most three times as long.
inline constexpr std::size_t max_record = 3 * (max_user + max_service + max_tty + max_origin + max_rule) + 256;

/// The value of p/USER/SLOT: the session that occupies the slot.
struct SlotRecord {
    std::string host{};
    std::uint64_t session = 0; ///< Number of the session on its host, never 0.
    std::int64_t since = 0;
    bool operator==(const SlotRecord&) const = default;
};

/// The value of h/HOST/s/KEY: a session and its slot.
struct SessionRecord {
    std::string user{};
    std::uint32_t slot = 0; ///< 1 to max_slot.
    std::int64_t since = 0;
    std::string service{}, tty{}, origin{}, rule{}; ///< May be empty.
    bool operator==(const SessionRecord&) const = default;
};

/// The value of n/HOST: the host that uses this name.
struct HostRecord {
    std::string machine{}; ///< Machine ID, never empty.
    std::string boot{};    ///< Boot ID, never empty.
    std::string version{};
    std::string policy{}; ///< Digest of the policy; empty before the daemon has reported it.
    bool operator==(const HostRecord&) const = default;
};

/// The value of end/ID: an order to all hosts to terminate sessions.
struct EndOrder {
    enum class Kind : std::uint8_t { user = 1, credential = 2 };
    Kind kind = Kind::user;
    std::string subject{}; ///< User name or credential, never empty.
    std::string by{};      ///< Administrator who requested it, never empty.
    std::string reason{};
    /// Time over which the hosts distribute their results, because etcd could not process those of many hosts at once;
    /// 0 to max_spread. The field is absent if it is 0.
    std::chrono::milliseconds spread{};
    bool operator==(const EndOrder&) const = default;
};

/// The value of h/HOST/ack/ID: the result of an order on a host.
struct AckRecord {
    std::uint32_t count = 0; ///< Number of sessions that are being terminated.
    bool operator==(const AckRecord&) const = default;
};

/// Encodes a record, whose texts must be within their bounds.
std::string encode(const SlotRecord& record);
std::string encode(const SessionRecord& record);
std::string encode(const HostRecord& record);
std::string encode(const EndOrder& order);
std::string encode(const AckRecord& record);

/// Each decode function returns nullopt if the value is malformed, lacks a required field, or exceeds a bound.
std::optional<SlotRecord> decode_slot(std::string_view value);
std::optional<SessionRecord> decode_session(std::string_view value);
std::optional<HostRecord> decode_host(std::string_view value);
std::optional<EndOrder> decode_order(std::string_view value);
std::optional<AckRecord> decode_ack(std::string_view value);

} // namespace sesslimit::fleet
