// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/quota.hpp"
#include "daemon/bus/connection.hpp"

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace sesslimit::api {

/// Process that called a D-Bus method.
struct Caller {
    uid_t uid = 0; ///< User ID of the process when it connected to the bus. Authorization depends on it alone.
    /// User ID with which the person logged in, who may have changed it with su, sudo or pkexec since. Absent if
    /// unknown. It is used only in messages, because a privileged process can change it.
    std::optional<uid_t> login_uid{};
};

/// Checker of D-Bus callers. It queries the bus for the identity of a caller, and polkit for the authorization of a
/// caller. No query blocks. If too many queries are pending, the caller's method call is answered with the error
/// org.sesslimit1.Error.Busy.
///
/// The number of pending queries to the bus is limited for each D-Bus connection, not for each user. The daemon learns
/// the user of a connection only from the reply to the query.
///
/// The number of pending queries to polkit is limited for each user, because polkit may wait minutes for a password.
/// One user can therefore not block other users. Queries to polkit use at most half of the calls that may be pending on
/// the daemon's bus connection. The other half remains available for queries to the bus.
class Authority {
  public:
    static constexpr std::size_t max_identified = 256;
    static constexpr std::size_t max_identified_per_connection = 64;
    static constexpr std::size_t max_authorized = bus::Connection::max_under_way / 2;
    static constexpr std::size_t max_authorized_per_user = 4;

    /// Lifetime: `bus` must outlive the Authority.
    explicit Authority(bus::Connection& bus) : bus_(bus) {}

    /// Functions that continue a D-Bus call after its caller has been identified or authorized. They receive the
    /// message of the call and must reply to it.
    using Identified = std::function<void(sd_bus_message* call, const Caller& caller)>;
    using Authorized = std::function<void(sd_bus_message* call)>;

    /// Queries the bus for the caller's user ID and process, which the bus has from the kernel, reads the login UID of
    /// the process, and passes both IDs to `then`. If the query fails or too many calls are pending, replies to the
    /// call with an error and does not call `then`. A caller whose login UID cannot be read is not an error.
    int identify(sd_bus_message* call, Identified then);

    /// Asks polkit whether the user `caller` is authorized for `action`, and calls `then` if polkit agrees. polkit may
    /// ask the user to authenticate if the D-Bus call allows interaction. If polkit denies the action or is not
    /// installed, replies to the call with an error such as AccessDenied and does not call `then`.
    int authorize(sd_bus_message* call, uid_t caller, const char* action, Authorized then);

  private:
    struct PendingCheck;
    static int on_credentials(sd_bus_message* answer, void* question, sd_bus_error* error);
    static int on_polkit(sd_bus_message* answer, void* question, sd_bus_error* error);

    bus::Connection& bus_;
    Quota<std::string> identified_{max_identified, max_identified_per_connection}; ///< by the caller's unique name
    Quota<uid_t> authorized_{max_authorized, max_authorized_per_user};
};

} // namespace sesslimit::api
