// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/messages/journal_entry.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// Rate limit of the journal entries about denied logins. The functions receive the current time as an argument, and do
/// not read a clock.
///
/// In this file, an address is the remote host of a denied login, or the user if the login came from this host. The
/// first denial of an address gets a separate journal entry and begins a time window. Further denials of the address in
/// the window are only counted.
///
/// At the end of the time window of an address (remote host or local user), one journal entry reports the number of
/// denials that were only counted, unless the number is 0. This entry begins the next window of the address, which is
/// twice as long. An address whose denials continue indefinitely causes one entry per hour. Each denial is reported in
/// exactly one entry.
namespace sesslimit::messages {

/// Denials of one remote host or local user that were counted, without a journal entry for each.
struct SuppressedDenials {
    /// Remote host of the denied logins (PAM_RHOST). Empty if the logins came from this host, in which case all of them
    /// are logins of the same user.
    std::string origin;
    std::string user; ///< user of the last denial
    uid_t uid = 0;
    std::string service;
    core::Reason reason;
    bool others = false; ///< several users were denied
    std::uint64_t count = 0;
    Duration within{}; ///< time since the previous entry
};

/// Rate limiter for denied logins, with a time window for each remote host or local user that had a denial recently.
class DenialThrottle {
  public:
    static constexpr Duration first_window = std::chrono::minutes(1);
    static constexpr Duration max_window = std::chrono::hours(1);
    /// Maximum number of remote hosts and local users for which denials are counted. If a login of a further remote
    /// host or user is denied, the oldest count ends early and is logged.
    static constexpr std::size_t max_addresses = 256;

    /// Records a denied login. Returns true if the denial gets a separate journal entry. Appends to `ended` the counted
    /// denials whose journal entries must be written before that entry.
    bool take(const core::Notice& denied, BootTime now, std::vector<SuppressedDenials>& ended);

    /// Ends the time windows that have expired at the time `now`, and returns the denials that were counted in these
    /// windows.
    std::vector<SuppressedDenials> due(BootTime now);

    /// Ends the time windows of all remote hosts and local users, and returns the denials that were counted in these
    /// windows. Called when the daemon stops, and if the timer for the end of a window cannot be armed.
    std::vector<SuppressedDenials> end_all(BootTime now);

    /// Returns the time at which the next time window expires and due() must be called. Returns `never` if no window is
    /// open.
    [[nodiscard]] BootTime deadline() const;

  private:
    /// Remote host of a denied login, or the user's ID if the login is from this host.
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

/// Message ID of the journal entry about repeated denials (sd_journal_print(3), MESSAGE_ID). The ID is stable, because
/// administrators' alerts depend on it.
inline constexpr char denials_repeated_id[] = "9c5b7a0d1e4f4b6e8f6f2a3c0d715e1d";

/// Returns the journal entry about denials that were counted. The entry contains MESSAGE, PRIORITY, MESSAGE_ID and
/// SESSLIMIT_ fields. It contains the user only if all of the denied logins are of this user. Service and reason are
/// those of the last denial.
JournalEntry journal_entry(const SuppressedDenials& repeated);

} // namespace sesslimit::messages
