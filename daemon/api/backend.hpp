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

/// How the daemon stands, for the properties of the interface.
struct Status {
    std::string policy = "none"; ///< files, kept or none
    BootTime policy_since{};
    bool recording = false; ///< the ledger takes what is put into it
};

/// A login that somebody asks about.
struct ExplainQuery {
    Login login;                     ///< uid and gids are still to be looked up, and the name if it is empty
    std::optional<uid_t> uid;        ///< instead of the one that the user database has; set if there is no name
    std::vector<std::string> groups; ///< names of groups beside those that the user database has
};

/// What the interface asks of the daemon. None of it blocks.
class Backend {
  public:
    virtual ~Backend() = default;
    [[nodiscard]] virtual const core::State& state() const = 0;
    [[nodiscard]] virtual const policy::Policy& policy() const = 0;
    [[nodiscard]] virtual Status status() const = 0;
    [[nodiscard]] virtual WallClock moment() const = 0;
    virtual const inspect::TerminalSnapshot& presence(const core::Session& session) = 0;
    virtual const inspect::TerminationPreview& reach(const core::Session& session) = 0;

    /// Tells an open session to end; `by`: who wants it, for its user to read.
    virtual void end(SessionKey key, const std::string& by) = 0;

    /// Takes up the policy anew; `then` gets what was wrong with it, for a person to read.
    virtual void reload(std::function<void(Result<>)> then) = 0;

    /// Completes the login from the user database; `then` gets nothing if there is no such user, unless a name came
    /// with a uid. Returns false, and does not call `then`, if too many look-ups are pending, of all callers or of this
    /// one.
    virtual bool look_up(uid_t caller, ExplainQuery question, std::function<void(std::optional<Login>)> then) = 0;
};

} // namespace sesslimit::api
