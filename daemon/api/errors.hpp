// SPDX-License-Identifier: MIT
#pragma once

#include <systemd/sd-bus.h>

#include <string>

namespace sesslimit::api {

/// The errors of org.sesslimit1(5).
inline constexpr char error_no_such_session[] = "org.sesslimit1.Error.NoSuchSession";
inline constexpr char error_no_such_user[] = "org.sesslimit1.Error.NoSuchUser";
inline constexpr char error_policy_rejected[] = "org.sesslimit1.Error.PolicyRejected";
inline constexpr char error_bad_argument[] = "org.sesslimit1.Error.BadArgument";
inline constexpr char error_busy[] = "org.sesslimit1.Error.Busy";

/// Replies to a D-Bus call with an error. Parts of `text` that come from outside the daemon must already be escaped for
/// display.
inline int reply_error(sd_bus_message* call, const char* name, const std::string& text) {
    return sd_bus_reply_method_errorf(call, name, "%s", text.c_str());
}

} // namespace sesslimit::api
