// SPDX-License-Identifier: MIT
#include "daemon/api/authority.hpp"

#include "common/login_uid.hpp"
#include "common/process.hpp"
#include "daemon/api/errors.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sesslimit::api {
namespace {

/// Value of AllowUserInteraction in the flags of polkit's method CheckAuthorization.
constexpr std::uint32_t allow_interaction = 1;
/// Timeout of a query to polkit in microseconds. It is long enough for a user to type a password before polkit replies.
constexpr std::uint64_t interaction_usec = std::chrono::microseconds(std::chrono::minutes(2)).count();

/// Keys of the reply to GetConnectionCredentials (D-Bus specification).
struct Credentials {
    std::optional<std::uint32_t> uid;
    pid_t pid = 0;  ///< PID of the caller's process, or 0 if it is not in this PID namespace.
    int pidfd = -1; ///< pidfd of that process, or -1 if the bus does not provide it. Owned by the reply.
};

int read_credential(sd_bus_message* m, std::string_view key, Credentials& credentials) {
    std::uint32_t number = 0;
    if (key == "UnixUserID") {
        const int code = sd_bus_message_read(m, "v", "u", &number);
        credentials.uid = number;
        return code;
    }
    if (key == "ProcessID") {
        const int code = sd_bus_message_read(m, "v", "u", &number);
        credentials.pid = static_cast<pid_t>(number);
        return code;
    }
    return key == "ProcessFD" ? sd_bus_message_read(m, "v", "h", &credentials.pidfd) : sd_bus_message_skip(m, "v");
}

int read_credentials(sd_bus_message* m, Credentials& credentials) {
    int code = sd_bus_message_enter_container(m, 'a', "{sv}");
    while (code >= 0 && (code = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        const char* key = nullptr;
        code = sd_bus_message_read(m, "s", &key);
        code = code < 0 ? code : read_credential(m, key, credentials);
        code = code < 0 ? code : sd_bus_message_exit_container(m);
    }
    return code;
}

/// Returns the login UID of the caller. dbus-daemon before 1.15.8 does not provide a pidfd. A later process may then
/// have the PID of a caller that has passed its connection to another process and exited. Therefore the owner of the
/// process must be the caller in that case.
std::optional<uid_t> caller_login_uid(const Credentials& credentials) {
    if (credentials.pid <= 0) {
        return std::nullopt;
    }
    if (credentials.pidfd >= 0) {
        return login_uid_of(credentials.pidfd, credentials.pid, std::nullopt);
    }
    const auto pidfd = open_pidfd(credentials.pid);
    return pidfd ? login_uid_of(pidfd->get(), credentials.pid, credentials.uid) : std::nullopt;
}

} // namespace

/// D-Bus method call whose answer must wait until the bus or polkit has answered a query about the caller.
struct Authority::PendingCheck {
    QuotaToken place;
    bus::Message call;
    Identified identified{};
    Authorized authorized{};
};

int Authority::identify(sd_bus_message* call, Identified then) {
    const char* const caller = sd_bus_message_get_sender(call);
    auto place = identified_.take(caller != nullptr ? caller : "");
    if (place == nullptr) {
        return reply_error(call, error_busy, "Too many calls in progress, try again later.");
    }
    sd_bus_message* raw = nullptr;
    int code = sd_bus_message_new_method_call(bus_.get(), &raw, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                              "org.freedesktop.DBus", "GetConnectionCredentials");
    const bus::Message m(raw);
    if (code >= 0) {
        code = sd_bus_message_append(raw, "s", caller);
    }
    if (code >= 0) {
        code = bus_.call(raw, &Authority::on_credentials,
                         PendingCheck{.place = std::move(place),
                                      .call = bus::Message(sd_bus_message_ref(call)),
                                      .identified = std::move(then)});
    }
    // Handlers of D-Bus methods return 1 on success, because sd-bus treats 0 as a call that no handler accepted.
    return code < 0 ? code : 1;
}

int Authority::on_credentials(sd_bus_message* answer, void* data, sd_bus_error*) {
    const auto& question = *static_cast<PendingCheck*>(data);
    Credentials credentials;
    if (sd_bus_message_is_method_error(answer, nullptr) > 0 || read_credentials(answer, credentials) < 0 ||
        !credentials.uid) {
        return reply_error(question.call.get(), SD_BUS_ERROR_ACCESS_DENIED,
                           "Failed to determine the caller's user ID.");
    }
    question.identified(question.call.get(), {.uid = *credentials.uid, .login_uid = caller_login_uid(credentials)});
    return 0;
}

int Authority::authorize(sd_bus_message* call, uid_t caller, const char* action, Authorized then) {
    auto place = authorized_.take(caller);
    if (place == nullptr) {
        return reply_error(call, error_busy, "Too many calls in progress, try again later.");
    }
    sd_bus_message* raw = nullptr;
    int code = sd_bus_message_new_method_call(bus_.get(), &raw, "org.freedesktop.PolicyKit1",
                                              "/org/freedesktop/PolicyKit1/Authority",
                                              "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
    const bus::Message m(raw);
    const bool interactive = sd_bus_message_get_allow_interactive_authorization(call) > 0;
    if (code >= 0) {
        code =
            sd_bus_message_append(raw, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                  sd_bus_message_get_sender(call), action, 0, interactive ? allow_interaction : 0U, "");
    }
    if (code >= 0) {
        code = bus_.call(raw, &Authority::on_polkit,
                         PendingCheck{.place = std::move(place),
                                      .call = bus::Message(sd_bus_message_ref(call)),
                                      .authorized = std::move(then)},
                         interaction_usec);
    }
    return code < 0 ? reply_error(call, SD_BUS_ERROR_FAILED, "Failed to query polkit, try again later.") : 1;
}

int Authority::on_polkit(sd_bus_message* answer, void* data, sd_bus_error*) {
    const auto& question = *static_cast<PendingCheck*>(data);
    int authorized = 0;
    int challenge = 0;
    if (sd_bus_message_is_method_error(answer, nullptr) > 0 ||
        sd_bus_message_enter_container(answer, 'r', "bba{ss}") < 0 ||
        sd_bus_message_read(answer, "bb", &authorized, &challenge) < 0) {
        return reply_error(question.call.get(), SD_BUS_ERROR_ACCESS_DENIED,
                           "Only root may end these sessions, because polkit is not installed or does not answer.");
    }
    if (authorized == 0) {
        return challenge != 0 ? reply_error(question.call.get(), SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                            "Interactive authentication required.")
                              : reply_error(question.call.get(), SD_BUS_ERROR_ACCESS_DENIED, "Access denied.");
    }
    question.authorized(question.call.get());
    return 0;
}

} // namespace sesslimit::api
