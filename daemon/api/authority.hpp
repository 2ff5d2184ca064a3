// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/quota.hpp"
#include "daemon/bus/connection.hpp"

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>

namespace sesslimit::api {

/// A checker of the identity and the authorization of callers. Queries the bus and polkit asynchronously. Calls over
/// the limits are answered with a busy error.
///
/// The bus answers immediately. Before this answer only the connection of the caller is known, so that the limit
/// applies to each connection. polkit may wait minutes for a password. Therefore each user has a limit for polkit
/// requests, and cannot block other users. The polkit limit is below the number of pending calls of the bus connection,
/// so that callers can still be identified.
class Authority {
  public:
    static constexpr std::size_t max_identified = 256;
    static constexpr std::size_t max_identified_per_connection = 64;
    static constexpr std::size_t max_authorized = bus::Connection::max_under_way / 2;
    static constexpr std::size_t max_authorized_per_user = 4;

    /// Lifetime: the connection must outlive this object.
    explicit Authority(bus::Connection& bus) : bus_(bus) {}

    /// Continuations of a call. They receive the message of the call and must answer it.
    using Identified = std::function<void(sd_bus_message* call, uid_t caller)>;
    using Authorized = std::function<void(sd_bus_message* call)>;

    /// Queries the bus for the caller's user ID, which the bus has from the kernel. If the query fails or too many
    /// calls are pending, answers the call with an error and does not call `then`.
    int identify(sd_bus_message* call, Identified then);

    /// Asks polkit whether `caller` is authorized for `action`. The user may be asked to authenticate if the call
    /// allows it. If polkit denies the action or is not installed, answers the call with AccessDenied and does not call
    /// `then`.
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
