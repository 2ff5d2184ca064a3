// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The keys of the fleet in etcd. All of them start with "/sesslimit/1/FLEET/", where 1 is the version of the layout.
/// Names in a key are escaped as in a URL, so that a name cannot contain a separator.
namespace sesslimit::fleet {

inline constexpr std::size_t max_name = 64;      ///< Maximum length in bytes of the name of a fleet or of a host.
inline constexpr std::size_t max_user = 255;     ///< Maximum length of a user name in bytes, as in the protocol of PAM.
inline constexpr std::uint32_t max_limit = 1000; ///< Maximum value of max_sessions_fleet.
/// Maximum number of a slot. Slots beyond the limit are occupied by sessions that the store could not deny.
inline constexpr std::uint32_t max_slot = 9999;

/// Escapes a name as in a URL (RFC 3986). ASCII letters, digits, "-", "." and "_" are kept, and each other byte becomes
/// "%" and two uppercase hexadecimal digits.
std::string escape_name(std::string_view name);

/// Reverses escape_name(). Returns nullopt if escape_name() does not return `text` for any name.
std::optional<std::string> unescape_name(std::string_view text);

/// Returns true for a valid name of a fleet or of a host: 1 to max_name ASCII letters, digits, "-", "." and "_".
bool is_valid_name(std::string_view name);

/// The slot of a user, which the key p/USER/SLOT stands for.
struct SlotKey {
    std::string user;
    std::uint32_t slot = 0;
    bool operator==(const SlotKey&) const = default;
};

/// An object with a number that belongs to a host, such as h/HOST/s/NUMBER.
struct HostKey {
    std::string host; ///< A valid name.
    std::uint64_t number = 0;
    bool operator==(const HostKey&) const = default;
};

/// The keys of one fleet, as seen by one of its hosts.
class Keys {
  public:
    /// `fleet` and `host` must be valid names.
    Keys(std::string_view fleet, std::string_view host);

    /// Returns the key of a slot. `slot` is 1 to max_slot. Its digits are padded, so that keys are sorted by slot.
    [[nodiscard]] std::string slot(std::string_view user, std::uint32_t slot) const;
    /// Returns the range of all slots of a user, or of those from the slot `first` on.
    [[nodiscard]] KeyRange slots(std::string_view user, std::uint32_t first = 0) const;
    [[nodiscard]] std::string session(std::uint64_t session) const;
    [[nodiscard]] KeyRange sessions() const;
    [[nodiscard]] std::string host_record() const;
    [[nodiscard]] std::string order(std::uint64_t order) const;
    [[nodiscard]] KeyRange orders() const;
    [[nodiscard]] std::string ack(std::uint64_t order) const;
    [[nodiscard]] KeyRange acks() const;

    /// The objects of other hosts, whose names must be valid.
    [[nodiscard]] std::string session_of(std::string_view host, std::uint64_t session) const;
    [[nodiscard]] KeyRange sessions_of(std::string_view host) const;
    [[nodiscard]] std::string ack_of(std::string_view host, std::uint64_t order) const;
    /// Returns the range of the slots of all users.
    [[nodiscard]] KeyRange all_slots() const;
    /// Returns the range of the records of all hosts, and that of their sessions and acknowledgments.
    [[nodiscard]] KeyRange hosts() const;
    [[nodiscard]] KeyRange all_of_hosts() const;

    /// Each parse function returns nullopt if the key is not one of the kind in its name. A session and an
    /// acknowledgment must be those of this host.
    [[nodiscard]] std::optional<SlotKey> parse_slot(std::string_view key) const;
    [[nodiscard]] std::optional<std::uint64_t> parse_session(std::string_view key) const;
    [[nodiscard]] std::optional<std::uint64_t> parse_order(std::string_view key) const;
    [[nodiscard]] std::optional<std::uint64_t> parse_ack(std::string_view key) const;
    /// These functions accept the keys of all hosts.
    [[nodiscard]] std::optional<HostKey> parse_any_session(std::string_view key) const;
    [[nodiscard]] std::optional<HostKey> parse_any_ack(std::string_view key) const;
    [[nodiscard]] std::optional<std::string> parse_host(std::string_view key) const;

    /// Returns the name of this host.
    [[nodiscard]] const std::string& host() const { return name_; }

  private:
    [[nodiscard]] std::string prefix_of(std::string_view host) const;
    [[nodiscard]] std::optional<HostKey> parse_any(std::string_view key, std::string_view kind) const;

    std::string name_;
    std::string fleet_; ///< Prefix of all keys of the fleet.
    std::string host_;  ///< Prefix of all keys of the host.
};

} // namespace sesslimit::fleet
