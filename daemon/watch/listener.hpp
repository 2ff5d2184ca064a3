// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/loop.hpp"
#include "daemon/warden/session.hpp"
#include "daemon/watch/terminals.hpp"

#include <functional>
#include <unordered_map>
#include <vector>

namespace sesslimit::watch {

/// Listens for a key on the terminals of the sessions that were warned: a terminal's times move in steps of 8 s, but
/// inotify(7) tells of each input at once (IN_ACCESS: something read what was typed). Only for those sessions, so
/// that nothing wakes up while people type.
class Listener {
  public:
    /// `heard` is called from the loop. One inotify descriptor serves all sessions.
    static Result<Listener> make(sd_event* loop, std::function<void(SessionKey)> heard);

    Listener(Listener&&) noexcept;
    Listener& operator=(Listener&&) noexcept;
    ~Listener();

    [[nodiscard]] bool listens(SessionKey key) const;

    /// Listens to these terminals for the session, beside those it listens to already. What cannot be listened to is
    /// passed over: its input is seen at the deadline all the same.
    void listen(SessionKey key, const std::vector<Terminal>& terminals);

    void stop(SessionKey key);

  private:
    struct Impl;
    explicit Listener(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::watch
