// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/messages/journal_entry.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace sesslimit::output {

/// Priorities of syslog(3) that the daemon uses.
enum class Priority { error = 3, warning = 4, notice = 5, info = 6 };

/// Converts a journal entry to the datagram format of journald (https://systemd.io/JOURNAL_NATIVE_PROTOCOL). Field
/// names consist of capital letters, digits and underscores. Field values may contain any bytes.
std::string native_entry(const messages::JournalEntry& entry);

/// Writer of structured entries to journald. sd_journal_sendv(3) is not used, because it blocks while journald does not
/// accept entries, and all logins would be delayed. Entries that journald does not accept immediately are queued in
/// order.
class Journal {
  public:
    /// Maximum number of queued journal entries. Further entries are lost, and the number of lost entries is logged
    /// afterwards.
    static constexpr std::size_t max_queued = 1024;

    /// `path` is the path of journald's socket. Entries are written to standard error if no process listens to the
    /// socket. Lifetime: `loop` must outlive the Journal.
    explicit Journal(sd_event* loop, std::string path = "/run/systemd/journal/socket");
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal() = default;

    /// Writes an entry to the journal. Text from outside the daemon must already be escaped for display.
    void log(const messages::JournalEntry& entry);

    /// Writes a journal entry about the daemon itself. `message_id` and `event` are the fields MESSAGE_ID and
    /// SESSLIMIT_EVENT, which are omitted if they are empty.
    void log(Priority priority, std::string_view message, std::string_view message_id = {},
             std::string_view event = {});

    /// Waits at most `within` for journald to accept the queued entries. Called when the daemon stops.
    void finish(Duration within);

  private:
    struct Kept {
        std::string datagram;
        std::string message; ///< text for standard error
    };

    Result<> connect();
    Result<> send(std::string_view datagram);
    void send_when_writable();
    void send_kept();
    void keep(Kept entry);
    void watch();

    sd_event* loop_;
    std::string path_;
    UniqueFd socket_;
    std::deque<Kept> queued_; ///< entries that journald has not accepted yet
    std::size_t lost_ = 0;
    EventSource writable_; ///< enabled while entries are queued
};

} // namespace sesslimit::output
