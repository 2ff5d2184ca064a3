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

/// Rate limit of the journal entries about denied logins. Pure: the time is an argument.
///
/// The first denial of an address gets an entry of its own and begins a window, in which further denials are counted.
/// At the end of the window, one entry reports their number. If there were any, that entry begins the next window,
/// twice as long as the previous one. An address that continues indefinitely causes one entry per hour. Each denial is
/// in exactly one entry.
namespace sesslimit::messages {

/// Denials of one address that were only counted.
struct SuppressedDenials {
    std::string origin; ///< PAM_RHOST; empty: this host, and all denials are of `user`
    std::string user;   ///< user of the last denial
    uid_t uid = 0;      ///< user ID of `user`
    std::string service;
    core::Reason reason;
    bool others = false; ///< other users were denied, too
    std::uint64_t count = 0;
    Duration within{}; ///< time since the previous entry
};

/// Windows of all addresses with recent denials.
class DenialThrottle {
  public:
    static constexpr Duration first_window = std::chrono::minutes(1);
    static constexpr Duration max_window = std::chrono::hours(1);
    static constexpr std::size_t max_addresses = 256; ///< for one more, the oldest window ends early

    /// Records a denial. Returns true if it gets an entry of its own. Appends to `ended` the entries to write before
    /// it.
    bool take(const core::Notice& denied, BootTime now, std::vector<SuppressedDenials>& ended);

    /// Ends the windows that have expired. Returns their counted denials.
    std::vector<SuppressedDenials> due(BootTime now);

    /// Ends all windows, because the daemon stops. Returns their counted denials.
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

/// Message ID of the entry (sd_journal_print(3), MESSAGE_ID), which is stable like those in words.hpp.
inline constexpr char denials_repeated_id[] = "9c5b7a0d1e4f4b6e8f6f2a3c0d715e1d";

/// Returns the entry about counted denials: MESSAGE, PRIORITY, MESSAGE_ID, and the fields of a denial that are the same
/// for all of them.
JournalEntry journal_entry(const SuppressedDenials& repeated);

} // namespace sesslimit::messages
