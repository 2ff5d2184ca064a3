// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace sesslimit::systemd {

/// Scope (systemd.scope(5)) to be created.
struct NewScope {
    std::string name;        ///< name of the unit, "something.scope"
    std::string slice;       ///< slice in which the scope is created
    std::string description; ///< description of the unit, escaped for display
};

/// Interface for scope units, which contain processes that systemd did not start. No function blocks.
class Scopes {
  public:
    /// Callback with the result. Called once from the loop, or never after give_up().
    using Done = std::function<void(Result<>)>;

    Scopes() = default;
    Scopes(const Scopes&) = delete;
    Scopes& operator=(const Scopes&) = delete;
    virtual ~Scopes() = default;

    /// Creates a scope and moves the processes into it. If the start fails, the scope does not exist. Errors: EEXIST if
    /// such a scope exists, ESRCH if one of the processes has already exited.
    virtual void start(const NewScope& scope, const std::vector<pid_t>& processes, Done done) = 0;

    /// Moves processes into a scope created by start(). Processes that have exited are ignored.
    virtual void attach(const std::string& scope, const std::vector<pid_t>& processes, Done done) = 0;

    /// Discards the callbacks of all pending operations on this scope.
    virtual void give_up(const std::string& scope) = 0;
};

} // namespace sesslimit::systemd
