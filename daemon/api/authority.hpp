// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/quota.hpp"
#include "daemon/bus/connection.hpp"

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>

namespace sesslimit::api {

/// Says who calls and what they may do: asks the bus and polkit, both asynchronously. Who asks for more at once than is
/// answered is told that we are busy. The bus answers in no time, and whose connection asks is all that is known before
/// it does: each has a bound of its own. polkit may wait minutes for a password, so that a user has a bound of their
/// own there: nobody else is shut out by it. All of polkit's are fewer than the calls that the connection has under
/// way, so that the bus can still be asked who calls.
class Authority {
  public:
    static constexpr std::size_t max_identified = 256;
    static constexpr std::size_t max_identified_per_connection = 64;
    static constexpr std::size_t max_authorized = bus::Connection::max_under_way / 2;
    static constexpr std::size_t max_authorized_per_user = 4;

    /// The connection lives longer than this.
    explicit Authority(bus::Connection& bus) : bus_(bus) {}

    /// What becomes of a call: it is given the call's message back, and answers it.
    using Identified = std::function<void(sd_bus_message* call, uid_t caller)>;
    using Authorized = std::function<void(sd_bus_message* call)>;

    /// Finds out the caller's user id, as the bus has it from the kernel. A call whose caller cannot be told, or that
    /// comes when there are too many, is answered with an error and not given on.
    int identify(sd_bus_message* call, Identified then);

    /// Asks polkit whether `caller` may do `action`; the user may be asked to authenticate where the call allows it.
    /// Where polkit says no, or is not installed, the call is answered with AccessDenied and not given on.
    int authorize(sd_bus_message* call, uid_t caller, const char* action, Authorized then);

  private:
    struct PendingCheck;
    static int on_uid(sd_bus_message* answer, void* question, sd_bus_error* error);
    static int on_polkit(sd_bus_message* answer, void* question, sd_bus_error* error);

    bus::Connection& bus_;
    Quota<std::string> identified_{max_identified, max_identified_per_connection}; ///< by the caller's unique name
    Quota<uid_t> authorized_{max_authorized, max_authorized_per_user};
};

} // namespace sesslimit::api
