// SPDX-License-Identifier: MIT
#include "ctl/client/failure.hpp"

#include "ctl/client/escaped_client.hpp"

#include <algorithm>
#include <array>

namespace sesslimit::ctl {
namespace {

using Kind = Failure::Kind;

struct ErrorKind {
    std::string_view name;
    Kind kind;
};

// The D-Bus errors that sesslimitctl distinguishes. The first group contains the errors of the daemon,
// org.sesslimit1(5). The second group contains the errors of sd-bus and of the bus itself (systemd's
// src/libsystemd/sd-bus/bus-common-errors.h and the D-Bus specification).
constexpr std::array error_kinds{
    ErrorKind{"org.sesslimit1.Error.NoSuchSession", Kind::no_such_session},
    ErrorKind{"org.sesslimit1.Error.NoSuchUser", Kind::no_such_user},
    ErrorKind{"org.sesslimit1.Error.PolicyRejected", Kind::policy_rejected},
    ErrorKind{"org.freedesktop.DBus.Error.AccessDenied", Kind::not_allowed},
    ErrorKind{"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", Kind::not_allowed},
    ErrorKind{"org.freedesktop.DBus.Error.AuthFailed", Kind::not_allowed},
    ErrorKind{"org.freedesktop.DBus.Error.ServiceUnknown", Kind::not_running},
    ErrorKind{"org.freedesktop.DBus.Error.NameHasNoOwner", Kind::not_running},
    ErrorKind{"org.freedesktop.DBus.Error.NoServer", Kind::not_running},
    ErrorKind{"org.freedesktop.DBus.Error.Disconnected", Kind::not_running},
    ErrorKind{"System.Error.ENOTCONN", Kind::not_running}, // Connection closed by the bus.
    ErrorKind{"org.freedesktop.DBus.Error.NoReply", Kind::no_answer},
    ErrorKind{"org.freedesktop.DBus.Error.Timeout", Kind::no_answer},
    ErrorKind{"org.freedesktop.DBus.Error.TimedOut", Kind::no_answer},
};

/// The command that shows the calls that the system bus denied because of SELinux. The bus logs these denials itself,
/// and the kernel does not.
constexpr std::string_view denials = "'ausearch -m USER_AVC -ts recent'";

constexpr std::array all_exits{
    ExitMeaning{Exit::ok, "done"},
    ExitMeaning{Exit::failed, "failed"},
    ExitMeaning{Exit::usage, "wrong usage"},
    ExitMeaning{Exit::not_found, "no such session or user"},
    ExitMeaning{Exit::not_allowed, "not allowed"},
};

} // namespace

std::span<const ExitMeaning> exit_meanings() {
    return all_exits;
}

Failure failure_of(std::string_view name, std::string_view message) {
    const auto* known = std::ranges::find(error_kinds, name, &ErrorKind::name);
    const Kind kind = known != error_kinds.end() ? known->kind : Kind::other;
    const std::string text = kind == Kind::policy_rejected ? safe_lines(message) : safe(message);
    return {kind, text.empty() ? safe(name) : text};
}

std::string words_of(const Failure& failure) {
    switch (failure.kind) {
    case Kind::not_running:
        return "sesslimitd is not running; run 'systemctl start sesslimitd'";
    case Kind::no_answer:
        return "sesslimitd does not answer; check 'systemctl status sesslimitd'";
    case Kind::unresponsive:
        return "sesslimitd did not answer on D-Bus within " + failure.what +
               "; check 'systemctl status sesslimitd' and, if SELinux is enforcing, " + std::string(denials);
    case Kind::bus_denied:
        return "the system bus denied the call to sesslimitd: " + failure.what + "; if SELinux is enforcing, check " +
               std::string(denials);
    case Kind::policy_rejected:
        return "policy rejected, previous policy stays in effect:\n" + failure.what;
    case Kind::not_allowed:
        return "not allowed: " + failure.what;
    case Kind::no_such_session:
    case Kind::no_such_user:
    case Kind::other:
        break;
    }
    return failure.what;
}

Exit exit_of(Kind kind) {
    switch (kind) {
    case Kind::no_such_session:
    case Kind::no_such_user:
        return Exit::not_found;
    case Kind::not_allowed:
    case Kind::bus_denied:
        return Exit::not_allowed;
    case Kind::not_running:
    case Kind::no_answer:
    case Kind::unresponsive:
    case Kind::policy_rejected:
    case Kind::other:
        break;
    }
    return Exit::failed;
}

} // namespace sesslimit::ctl
