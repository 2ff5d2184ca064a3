// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/api/view.hpp"
#include "daemon/core/state.hpp"
#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit::api {

/// The status of the daemon, for the properties of the interface.
struct Status {
    std::string policy = "none"; ///< files, kept or none
    BootTime policy_since{};
    bool recording = false; ///< true if the ledger accepts records
};

/// A login about which a D-Bus caller asks.
struct ExplainQuery {
    Login login;              ///< login without its uid and gids, which look_up() adds; it also adds an empty name
    std::optional<uid_t> uid; ///< user ID instead of the one in the user database; always set if the name is empty
    std::vector<std::string> groups; ///< names of groups in addition to those in the user database
};

/// The operations that the D-Bus interface needs from the daemon. None of them blocks.
class Backend {
  public:
    virtual ~Backend() = default;
    [[nodiscard]] virtual const core::State& state() const = 0;
    [[nodiscard]] virtual const policy::Policy& policy() const = 0;
    [[nodiscard]] virtual Status status() const = 0;
    [[nodiscard]] virtual WallClock moment() const = 0;
    virtual const inspect::TerminalSnapshot& terminal_snapshot(const core::Session& session) = 0;
    virtual const inspect::TerminationPreview& termination_preview(const core::Session& session) = 0;

    /// Terminates an open session. `by` names the requester in the message to the session's user.
    virtual void end(SessionKey key, const std::string& by) = 0;

    /// Reloads the policy. `then` receives its errors as a text for a human reader.
    virtual void reload(std::function<void(Result<>)> then) = 0;

    /// Completes the login from the user database. `then` receives nullopt if the user does not exist, unless the
    /// question has both a name and a uid. Returns false, and does not call `then`, if too many look-ups of all callers
    /// or of this caller are pending.
    virtual bool look_up(uid_t caller, ExplainQuery question, std::function<void(std::optional<Login>)> then) = 0;
};

} // namespace sesslimit::api
