// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace sesslimit::systemd {

/// A scope (systemd.scope(5)) to be made.
struct NewScope {
    std::string name;        ///< "something.scope"
    std::string slice;       ///< that it goes into
    std::string description; ///< safe to show
};

/// Units that hold processes which systemd did not start. Nothing blocks.
class Scopes {
  public:
    /// Called from the loop, once, or not at all after give_up().
    using Done = std::function<void(Result<>)>;

    Scopes() = default;
    Scopes(const Scopes&) = delete;
    Scopes& operator=(const Scopes&) = delete;
    virtual ~Scopes() = default;

    /// Makes a scope, and moves these processes into it. Fails with EEXIST where there is such a scope, and with ESRCH
    /// where one of the processes has exited by then; a scope that fails to start is none.
    virtual void start(const NewScope& scope, const std::vector<pid_t>& processes, Done done) = 0;

    /// Moves processes into a scope that start() has made; those that have exited are passed over.
    virtual void attach(const std::string& scope, const std::vector<pid_t>& processes, Done done) = 0;

    /// Nobody waits for what is under way about this scope any more.
    virtual void give_up(const std::string& scope) = 0;
};

} // namespace sesslimit::systemd
