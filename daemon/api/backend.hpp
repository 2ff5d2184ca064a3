// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/api/view.hpp"
#include "daemon/core/event.hpp"
#include "daemon/core/state.hpp"
#include "daemon/policy/login.hpp"
#include "daemon/policy/policy.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit::api {

/// Status of the daemon, for the properties of the D-Bus interface org.sesslimit1.Manager.
struct Status {
    std::string policy = "none"; ///< files, kept or none
    BootTime policy_since{};
    bool recording = false; ///< true if sessions are recorded
    /// Errors of policy files that are not in effect because of them, one line each. Safe for display.
    std::vector<std::string> policy_problems{};
    std::string policy_digest{};    ///< digest of the files of the policy in effect; empty if there is none
    std::string policy_directory{}; ///< directory of the policy files, unescaped
};

/// Login that a D-Bus caller describes. The method Explain returns the limits that would apply to this login.
struct ExplainQuery {
    /// Login of which the user ID and the group IDs are not set yet. The function look_up() sets these IDs, and also
    /// the user name if it is empty.
    Login login;
    /// User ID that the D-Bus caller specified. It is used instead of the user's ID in the user database. Always set if
    /// the user name is empty.
    std::optional<uid_t> uid;
    /// Names of groups that the D-Bus caller specified. They are used in addition to the user's groups in the user
    /// database.
    std::vector<std::string> groups;
};

/// Interface through which the D-Bus service uses the rest of the daemon. The functions of the interface do not block.
class Backend {
  public:
    virtual ~Backend() = default;
    [[nodiscard]] virtual const core::State& state() const = 0;
    [[nodiscard]] virtual const policy::Policy& policy() const = 0;
    [[nodiscard]] virtual Status status() const = 0;
    [[nodiscard]] virtual WallClock moment() const = 0;
    virtual const inspect::TerminalSnapshot& terminal_snapshot(const core::Session& session) = 0;
    virtual const inspect::TerminationPreview& termination_preview(const core::Session& session) = 0;

    /// Terminates an open session. The message to the session's user contains the name of the requester.
    virtual void end(SessionKey key, const core::Requester& by) = 0;

    /// Reloads the policy. `then` receives an empty result on success, or the errors in the policy as text for a human
    /// reader.
    virtual void reload(std::function<void(Result<>)> then) = 0;

    /// Loads the policy files again without putting them into effect. The text `text` replaces that of the file
    /// `policy.d/NAME`. `then` receives the policy, or the errors in it as text for a human reader.
    virtual void load_changed(std::string name, std::string text, std::function<void(Result<policy::Policy>)> then) = 0;

    /// Completes `question`, the login that a D-Bus caller described, from the user database, and passes the completed
    /// login to `then`. Passes nullopt if the user does not exist, unless `question` has both a user name and a user
    /// ID. If too many lookups are pending, in total or for the user `caller`, returns false and does not call `then`.
    virtual bool look_up(uid_t caller, ExplainQuery question, std::function<void(std::optional<Login>)> then) = 0;
};

} // namespace sesslimit::api
