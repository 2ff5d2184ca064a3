// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/messages/words.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace sesslimit::output {

/// Priorities of syslog(3), as much of them as we use.
enum class Priority { error = 3, warning = 4, notice = 5, info = 6 };

/// One entry as journald takes it in a datagram (https://systemd.io/JOURNAL_NATIVE_PROTOCOL). Names are of capital
/// letters, digits and underscores; values may hold any bytes.
std::string native_entry(const messages::JournalEntry& entry);

/// Structured entries for journald. sd_journal_sendv(3) waits for as long as journald takes nothing, and everybody who
/// logs in would wait with it: what is not taken at once is kept here instead, in its order, until journald goes on.
class Journal {
  public:
    /// What is kept at most. What comes beyond is lost, and their number is told afterwards.
    static constexpr std::size_t max_queued = 1024;

    /// The loop lives longer. `path` is journald's socket; where none listens, entries go to standard error.
    explicit Journal(sd_event* loop, std::string path = "/run/systemd/journal/socket");
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal() = default;

    /// Text in it is safe to show already.
    void tell(const messages::JournalEntry& entry);

    /// A plain entry of the daemon's own affairs, with a message id where it has one.
    void tell(Priority priority, std::string_view message, std::string_view message_id = {},
              std::string_view event = {});

    /// The daemon stops: waits for journald to take what is kept, for so long and no longer.
    void finish(Duration within);

  private:
    static int on_writable(sd_event_source* source, int fd, std::uint32_t events, void* self);
    struct Kept {
        std::string datagram;
        std::string message; ///< of it, for standard error
    };

    Result<> connect();
    Result<> send(std::string_view datagram);
    void send_kept();
    void keep(Kept entry);
    void watch();

    sd_event* loop_;
    std::string path_;
    UniqueFd socket_;
    std::deque<Kept> kept_; ///< what was not taken yet
    std::size_t lost_ = 0;
    EventSource writable_; ///< while some are kept
};

} // namespace sesslimit::output
