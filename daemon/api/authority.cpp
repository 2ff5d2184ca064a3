// SPDX-License-Identifier: MIT
#include "daemon/api/authority.hpp"

#include "daemon/api/errors.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace sesslimit::api {
namespace {

/// Value of AllowUserInteraction in the flags of polkit's method CheckAuthorization.
constexpr std::uint32_t allow_interaction = 1;
/// Timeout of a query to polkit in microseconds. It is long enough for a user to type a password before polkit replies.
constexpr std::uint64_t interaction_usec = std::chrono::microseconds(std::chrono::minutes(2)).count();

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
                                              "org.freedesktop.DBus", "GetConnectionUnixUser");
    const bus::Message m(raw);
    if (code >= 0) {
        code = sd_bus_message_append(raw, "s", caller);
    }
    if (code >= 0) {
        code = bus_.call(raw, &Authority::on_uid,
                         PendingCheck{.place = std::move(place),
                                      .call = bus::Message(sd_bus_message_ref(call)),
                                      .identified = std::move(then)});
    }
    // Handlers of D-Bus methods return 1 on success, because sd-bus treats 0 as a call that no handler accepted.
    return code < 0 ? code : 1;
}

int Authority::on_uid(sd_bus_message* answer, void* data, sd_bus_error*) {
    const auto& question = *static_cast<PendingCheck*>(data);
    std::uint32_t uid = 0;
    if (sd_bus_message_is_method_error(answer, nullptr) > 0 || sd_bus_message_read(answer, "u", &uid) < 0) {
        return reply_error(question.call.get(), SD_BUS_ERROR_ACCESS_DENIED,
                           "Failed to determine the caller's user ID.");
    }
    question.identified(question.call.get(), uid);
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
