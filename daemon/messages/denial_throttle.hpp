// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/messages/message_text.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// Rate limit of the journal entries about denied logins. The functions do not read a clock, because the time is an
/// argument.
///
/// The first denial of an address gets a separate entry and begins a window. Further denials in the window are only
/// counted. At the end of the window, one entry reports the number of counted denials, unless the number is 0. This
/// entry begins the next window, which is twice as long as the previous window. An address whose denials continue
/// indefinitely causes one entry per hour. Each denial is part of exactly one entry.
namespace sesslimit::messages {

/// Counted denials of one address, without separate journal entries.
struct SuppressedDenials {
    std::string origin; ///< remote host (PAM_RHOST); empty: this host, and `user` is the user of all denials
    std::string user;   ///< user of the last denial
    uid_t uid = 0;      ///< user ID of `user`
    std::string service;
    core::Reason reason;
    bool others = false; ///< true if other users were also denied
    std::uint64_t count = 0;
    Duration within{}; ///< time since the previous entry
};

/// Windows of all addresses with recent denials.
class DenialThrottle {
  public:
    static constexpr Duration first_window = std::chrono::minutes(1);
    static constexpr Duration max_window = std::chrono::hours(1);
    static constexpr std::size_t max_addresses = 256; ///< at this limit, the oldest window ends early

    /// Records a denial. Returns true if the denial gets a separate entry. Appends to `ended` the counted denials whose
    /// entries must be written first.
    bool take(const core::Notice& denied, BootTime now, std::vector<SuppressedDenials>& ended);

    /// Ends the windows that have expired, and returns the denials that were counted in them.
    std::vector<SuppressedDenials> due(BootTime now);

    /// Ends all windows, and returns the denials that were counted in them. Called when the daemon stops.
    std::vector<SuppressedDenials> end_all(BootTime now);

    /// Returns the time at which due() must be called next, or `never` if no window is open.
    [[nodiscard]] BootTime deadline() const;

  private:
    /// Remote host, or the user ID without a remote host.
    using Address = std::pair<std::string, uid_t>;

    struct Window {
        BootTime since{};
        Duration length{};
        SuppressedDenials counted;
    };
    using Windows = std::map<Address, Window>;

    void end_oldest(BootTime now, std::vector<SuppressedDenials>& ended);

    Windows windows_;
};

/// Message ID of the entry (sd_journal_print(3), MESSAGE_ID). The ID is stable, like the IDs in message_text.hpp.
inline constexpr char denials_repeated_id[] = "9c5b7a0d1e4f4b6e8f6f2a3c0d715e1d";

/// Returns the entry about counted denials. The entry contains MESSAGE, PRIORITY, MESSAGE_ID, and the fields that are
/// the same for all of these denials.
JournalEntry journal_entry(const SuppressedDenials& repeated);

} // namespace sesslimit::messages
