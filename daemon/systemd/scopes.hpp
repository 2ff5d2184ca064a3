// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace sesslimit::systemd {

/// Properties of a scope (systemd.scope(5)) that is to be created.
struct NewScope {
    /// Name of the scope unit, such as "something.scope".
    std::string name;
    /// Name of the slice in which the scope is created.
    std::string slice;
    /// Description of the scope unit, already escaped for display.
    std::string description;
};

/// Interface to systemd's scope units, which contain processes that systemd did not start. No function blocks.
class Scopes {
  public:
    /// Callback with the result of an operation on a scope. It is called once, or never if give_up() is called before.
    /// If the request cannot be sent to systemd, it is called before the operation returns.
    using Done = std::function<void(Result<>)>;

    Scopes() = default;
    Scopes(const Scopes&) = delete;
    Scopes& operator=(const Scopes&) = delete;
    virtual ~Scopes() = default;

    /// Creates a scope and moves the processes into it. After an error, the call has not created a scope. Errors:
    /// EEXIST if a scope with this name already exists, ESRCH if one of the processes has already exited.
    virtual void start(const NewScope& scope, const std::vector<pid_t>& processes, Done done) = 0;

    /// Moves processes into a scope that start() has created. Processes that have exited are ignored.
    virtual void attach(const std::string& scope, const std::vector<pid_t>& processes, Done done) = 0;

    /// Sends a signal to all processes in a scope. Does nothing if the scope does not exist.
    virtual void kill(const std::string& scope, int signal) = 0;

    /// Discards the callbacks of all pending operations on the scope with this name.
    virtual void give_up(const std::string& scope) = 0;
};

} // namespace sesslimit::systemd
