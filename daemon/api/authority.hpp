// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/bus/connection.hpp"

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>

namespace sesslimit::api {

/// Says who calls and what they may do: asks the bus and polkit, both asynchronously. At most `most_questions` callers
/// are being asked about at once; more than that are told that we are busy.
class Authority {
  public:
    static constexpr std::size_t most_questions = 64;

    /// The connection lives longer than this.
    explicit Authority(bus::Connection& bus) : bus_(bus) {}

    /// What becomes of a call: it is given the call's message back, and answers it.
    using Identified = std::function<void(sd_bus_message* call, uid_t caller)>;
    using Authorized = std::function<void(sd_bus_message* call)>;

    /// Finds out the caller's user id, as the bus has it from the kernel. A call whose caller cannot be told, or that
    /// comes when there are too many, is answered with an error and not given on.
    int identify(sd_bus_message* call, Identified then);

    /// Asks polkit whether the caller may do `action`; the user may be asked to authenticate where the call allows it.
    /// Where polkit says no, or is not installed, the call is answered with AccessDenied and not given on.
    int authorize(sd_bus_message* call, const char* action, Authorized then);

  private:
    struct Question;
    static int on_uid(sd_bus_message* answer, void* question, sd_bus_error* error);
    static int on_polkit(sd_bus_message* answer, void* question, sd_bus_error* error);

    bus::Connection& bus_;
    std::size_t questions_ = 0;
};

} // namespace sesslimit::api
