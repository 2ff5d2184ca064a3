// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/decision.hpp"
#include "daemon/messages/words.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// Which denials the journal has a line for. Pure: time is an argument.
///
/// The first denial of an address has one of its own, and begins a window in which the further ones are counted; as it
/// ends, one line gives their number. An address that has gone on begins the next window with that, twice as long as
/// the last: one that goes on for ever costs a line an hour. Each denial is in one line, and in one only.
namespace sesslimit::messages {

/// DenialThrottle of one address that were only counted.
struct SuppressedDenials {
    std::string origin; ///< as PAM_RHOST says it; empty: this host, and `user` alone was denied
    std::string user;   ///< the last of them
    uid_t uid = 0;      ///< whose
    std::string service;
    core::Reason reason;
    bool others = false; ///< other users than that one were among them
    std::uint64_t count = 0;
    Duration within{}; ///< from the line before to this one
};

class DenialThrottle {
  public:
    static constexpr Duration first_window = std::chrono::minutes(1);
    static constexpr Duration max_window = std::chrono::hours(1);
    static constexpr std::size_t max_addresses = 256; ///< for one more, the window that began first ends early

    /// A denial. True: it is to have a line of its own. `ended` is given what must be said first.
    bool take(const core::Notice& denied, BootTime now, std::vector<SuppressedDenials>& ended);

    /// Ends the windows whose time has come.
    std::vector<SuppressedDenials> due(BootTime now);

    /// Ends all of them: the daemon stops.
    std::vector<SuppressedDenials> end_all(BootTime now);

    /// When due() must next be called; `never` where no window is open.
    [[nodiscard]] BootTime deadline() const;

  private:
    /// The remote host, or the local user.
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

/// Its message id (sd_journal_print(3), MESSAGE_ID), as stable as the others in words.hpp.
inline constexpr char denials_repeated_id[] = "9c5b7a0d1e4f4b6e8f6f2a3c0d715e1d";

/// The line about them: MESSAGE, PRIORITY, MESSAGE_ID, and the fields of a denial as far as they are the same for all.
JournalEntry journal_entry(const SuppressedDenials& repeated);

} // namespace sesslimit::messages
