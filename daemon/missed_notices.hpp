// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/messages/missed_reasons.hpp"
#include "daemon/worker.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace sesslimit {

/// Delivery of reasons that could not be shown (messages::MissedReasons). The reason appears on the terminal of the
/// user's next session that has one. The reasons are also written to a file, so that they survive a restart of the
/// daemon.
class MissedNotices {
  public:
    struct Dependencies {
        sd_event* loop;
        Worker& worker;
        std::filesystem::path file;
        /// Writes a text to the terminals of a session. Returns false if the session does not have a terminal.
        std::function<bool(const core::Session&, std::string_view)> write;
        std::function<void(const Error&)> failed; ///< receives errors of the file and the timer
        /// Time between two attempts to find the terminal of a new session. sshd allocates it after logind has
        /// announced the session.
        Duration terminal_delay = std::chrono::seconds(2);
    };

    /// Maximum number of sessions that wait for their terminal. The reasons for further sessions are shown at a later
    /// login.
    static constexpr std::size_t max_waiting = 256;

    explicit MissedNotices(Dependencies dependencies);
    MissedNotices(const MissedNotices&) = delete;
    MissedNotices& operator=(const MissedNotices&) = delete;
    ~MissedNotices() = default;

    /// Reads the file of an earlier daemon process.
    void load();

    /// Keeps a reason for the next login of the user.
    void keep(uid_t user, std::string_view text);

    /// Shows the reason of the user of `session`, if there is one. The terminal of the session may appear later.
    void offer(const core::Session& session);

  private:
    struct Waiting {
        core::Session session;
        int attempts = 0;
    };

    void arm();
    void show();
    void save();

    Dependencies dependencies_;
    messages::MissedReasons reasons_;
    std::vector<Waiting> waiting_;
    Timer timer_;
    bool is_saving_ = false;
    bool is_changed_ = false; ///< true if the reasons have changed since the running save began
};

} // namespace sesslimit
