// SPDX-License-Identifier: MIT
#include "tests/ctl/fake_service.hpp"

#include <algorithm>

namespace sesslimit::test {
namespace {

using ctl::Session;

constexpr char no_such_session[] = "org.sesslimit1.Error.NoSuchSession";
constexpr char no_such_user[] = "org.sesslimit1.Error.NoSuchUser";
constexpr char access_denied[] = "org.freedesktop.DBus.Error.AccessDenied";
constexpr char wants_person[] = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired";

FakeService& service_of(void* userdata) {
    return *static_cast<FakeService*>(userdata);
}

std::string argument_of(sd_bus_message* call) {
    const char* text = "";
    sd_bus_message_read(call, "s", &text);
    return text;
}

std::string noted(sd_bus_message* call, FakeService& service) {
    const std::string argument = argument_of(call);
    std::string options;
    if (sd_bus_message_has_signature(call, "sa{sv}") > 0) {
        sd_bus_message_enter_container(call, 'a', "{sv}");
        const char* key = "";
        const char* text = "";
        while (sd_bus_message_read(call, "{sv}", &key, "s", &text) > 0) {
            options += std::string(" ") + key + "=" + text;
        }
        sd_bus_message_exit_container(call);
    }
    service.note(std::string(sd_bus_message_get_member(call)) + " " + argument + options);
    return argument;
}

int append_sessions(sd_bus_message* message, const std::vector<Session>& sessions) {
    sd_bus_message_open_container(message, 'a', "a{sv}");
    for (const Session& session : sessions) {
        append_session(message, session);
    }
    return sd_bus_message_close_container(message);
}

int list_sessions(sd_bus_message* call, void* userdata, sd_bus_error*) {
    FakeService& service = service_of(userdata);
    service.note("ListSessions");
    if (service.behaviour.silent) {
        return 1;
    }
    sd_bus_message* made = nullptr;
    sd_bus_message_new_method_return(call, &made);
    const ctl::Message reply(made);
    append_sessions(reply.get(), service.behaviour.sessions);
    return sd_bus_send(nullptr, reply.get(), nullptr);
}

int list_in_prose(sd_bus_message* call, void*, sd_bus_error*) {
    return sd_bus_reply_method_return(call, "s", "sessions? none that I knew of");
}

int get_session(sd_bus_message* call, void* userdata, sd_bus_error*) {
    FakeService& service = service_of(userdata);
    const std::string id = noted(call, service);
    const auto found = std::ranges::find(service.behaviour.sessions, id, &Session::id);
    if (found == service.behaviour.sessions.end()) {
        return sd_bus_reply_method_errorf(call, no_such_session, "no session %s", id.c_str());
    }
    sd_bus_message* made = nullptr;
    sd_bus_message_new_method_return(call, &made);
    const ctl::Message reply(made);
    append_session(reply.get(), *found);
    return sd_bus_send(nullptr, reply.get(), nullptr);
}

int end_session(sd_bus_message* call, void* userdata, sd_bus_error*) {
    FakeService& service = service_of(userdata);
    const std::string id = noted(call, service);
    if (service.behaviour.denied.contains(id)) {
        return sd_bus_reply_method_errorf(call, access_denied, "session %s is not yours", id.c_str());
    }
    if (service.behaviour.wants_password.contains(id) &&
        sd_bus_message_get_allow_interactive_authorization(call) <= 0) {
        return sd_bus_reply_method_errorf(call, wants_person, "a password is needed");
    }
    if (std::erase_if(service.behaviour.sessions, [&](const Session& one) { return one.id == id; }) == 0) {
        return sd_bus_reply_method_errorf(call, no_such_session, "no session %s", id.c_str());
    }
    return sd_bus_reply_method_return(call, "");
}

/// Removes the sessions for which `wanted` returns true, and replies with their IDs.
template <class Wanted>
int end_if(sd_bus_message* call, FakeService& service, Wanted wanted) {
    sd_bus_message* made = nullptr;
    sd_bus_message_new_method_return(call, &made);
    const ctl::Message reply(made);
    sd_bus_message_open_container(reply.get(), 'a', "s");
    std::erase_if(service.behaviour.sessions, [&](const Session& one) {
        if (wanted(one)) {
            sd_bus_message_append(reply.get(), "s", one.id.c_str());
        }
        return wanted(one);
    });
    sd_bus_message_close_container(reply.get());
    return sd_bus_send(nullptr, reply.get(), nullptr);
}

int end_user(sd_bus_message* call, void* userdata, sd_bus_error*) {
    FakeService& service = service_of(userdata);
    const std::string user = noted(call, service);
    if (service.behaviour.denied.contains(user)) {
        return sd_bus_reply_method_errorf(call, access_denied, "they are not yours");
    }
    if (user == "nobody-such") {
        return sd_bus_reply_method_errorf(call, no_such_user, "no user %s", user.c_str());
    }
    return end_if(call, service, [&](const Session& one) { return one.user == user; });
}

int end_credential(sd_bus_message* call, void* userdata, sd_bus_error*) {
    FakeService& service = service_of(userdata);
    const std::string key = noted(call, service);
    return end_if(call, service, [&](const Session& one) { return one.credential == key; });
}

/// Formats "User=alice Groups=a,b" in the order of the message.
std::string login_words(sd_bus_message* call) {
    std::string words;
    sd_bus_message_enter_container(call, 'a', "{sv}");
    while (sd_bus_message_enter_container(call, 'e', "sv") > 0) {
        const char* key = "";
        const char* type = "";
        sd_bus_message_read(call, "s", &key);
        sd_bus_message_peek_type(call, nullptr, &type);
        words += std::string(" ") + key + "=";
        sd_bus_message_enter_container(call, 'v', type);
        const bool list = std::string(type) == "as";
        if (list) {
            sd_bus_message_enter_container(call, 'a', "s");
        }
        for (const char* text = nullptr; sd_bus_message_read(call, "s", &text) > 0;) {
            words += list ? std::string(text) + "," : text;
        }
        if (list) {
            sd_bus_message_exit_container(call);
        }
        sd_bus_message_exit_container(call);
        sd_bus_message_exit_container(call);
    }
    sd_bus_message_exit_container(call);
    return words;
}

int explain(sd_bus_message* call, void* userdata, sd_bus_error*) {
    FakeService& service = service_of(userdata);
    const std::string login = login_words(call);
    service.note("Explain" + login);
    std::this_thread::sleep_for(service.behaviour.explain_takes);
    if (login.find("User=nobody-such") != std::string::npos) {
        return sd_bus_reply_method_errorf(call, no_such_user, "no user nobody-such");
    }
    const ctl::Explanation& what = service.behaviour.explanation;
    sd_bus_message* made = nullptr;
    sd_bus_message_new_method_return(call, &made);
    const ctl::Message reply(made);
    sd_bus_message_append(reply.get(), "bs", static_cast<int>(what.counts), what.why.c_str());
    sd_bus_message_open_container(reply.get(), 'a', "(sssssu)");
    for (const auto& one : what.settings) {
        sd_bus_message_append(reply.get(), "(sssssu)", one.name.c_str(), one.value.c_str(), one.tier.c_str(),
                              one.rule.c_str(), one.file.c_str(), one.line);
    }
    sd_bus_message_close_container(reply.get());
    sd_bus_message_open_container(reply.get(), 'a', "(ssssub)");
    for (const auto& one : what.rules) {
        sd_bus_message_append(reply.get(), "(ssssub)", one.tier.c_str(), one.rule.c_str(), one.file.c_str(),
                              one.sets.c_str(), one.line, static_cast<int>(one.wins));
    }
    sd_bus_message_close_container(reply.get());
    sd_bus_message_append(reply.get(), "s", what.outcome.c_str());
    return sd_bus_send(nullptr, reply.get(), nullptr);
}

int reload(sd_bus_message* call, void* userdata, sd_bus_error*) {
    FakeService& service = service_of(userdata);
    service.note("Reload");
    const std::string& problems = service.behaviour.reload_problems;
    return problems.empty()
               ? sd_bus_reply_method_return(call, "")
               : sd_bus_reply_method_errorf(call, "org.sesslimit1.Error.PolicyRejected", "%s", problems.c_str());
}

/// Returns the sessions, and a denial of a login like that of the last argument.
int preview_policy(sd_bus_message* call, void* userdata, sd_bus_error*) {
    FakeService& service = service_of(userdata);
    const char* file = "";
    const char* text = "";
    const char* session = "";
    sd_bus_message_read(call, "sss", &file, &text, &session);
    service.note(std::string("PreviewPolicy ") + file + " " + text);
    sd_bus_message* made = nullptr;
    sd_bus_message_new_method_return(call, &made);
    const ctl::Message reply(made);
    append_sessions(reply.get(), service.behaviour.sessions);
    sd_bus_message_append(reply.get(), "s", (std::string("denied like ") + session).c_str());
    return sd_bus_send(nullptr, reply.get(), nullptr);
}

int append_strings(sd_bus_message* message, const std::vector<std::string>& texts) {
    std::vector<char*> names;
    for (const std::string& text : texts) {
        names.push_back(const_cast<char*>(text.c_str()));
    }
    names.push_back(nullptr);
    return sd_bus_message_append_strv(message, names.data());
}

int get_property(sd_bus*, const char*, const char*, const char* property, sd_bus_message* reply, void* userdata,
                 sd_bus_error*) {
    const ctl::Status& status = service_of(userdata).behaviour.status;
    const std::string name(property);
    return name == "Version"           ? sd_bus_message_append(reply, "s", status.version.c_str())
           : name == "PolicyState"     ? sd_bus_message_append(reply, "s", status.policy_state.c_str())
           : name == "PolicyDigest"    ? sd_bus_message_append(reply, "s", status.policy_digest.c_str())
           : name == "PolicyDirectory" ? sd_bus_message_append(reply, "s", status.policy_directory.c_str())
           : name == "PolicyProblems"  ? append_strings(reply, status.policy_problems)
           : name == "PolicySince"     ? sd_bus_message_append(reply, "t", status.policy_since)
           : name == "Sessions"        ? sd_bus_message_append(reply, "u", status.sessions)
                                       : sd_bus_message_append(reply, "b", static_cast<int>(status.recording));
}

int append_texts(sd_bus_message* message, const char* key, const std::vector<std::string>& texts) {
    sd_bus_message_open_container(message, 'e', "sv");
    sd_bus_message_append(message, "s", key);
    sd_bus_message_open_container(message, 'v', "as");
    append_strings(message, texts);
    sd_bus_message_close_container(message);
    return sd_bus_message_close_container(message);
}

void append_reach(sd_bus_message* message, const ctl::TerminationPreview& reach) {
    sd_bus_message_append(message, "{sv}", "Processes", "u", reach.processes);
    append_texts(message, "Commands", reach.commands);
    append_texts(message, "Kept", reach.kept);
    append_texts(message, "Keep", reach.keep);
    append_texts(message, "OtherUnits", reach.other_units);
    sd_bus_message_append(message, "{sv}", "Lingers", "b", static_cast<int>(reach.lingers));
}

} // namespace

const sd_bus_vtable* garbled_interface() {
    static const sd_bus_vtable table[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ListSessions", "", "s", list_in_prose, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
    };
    return table;
}

const sd_bus_vtable* fake_interface() {
    static const sd_bus_vtable table[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ListSessions", "", "aa{sv}", list_sessions, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetSession", "s", "a{sv}", get_session, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("EndSession", "sa{sv}", "", end_session, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("EndUser", "sa{sv}", "as", end_user, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("EndCredential", "sa{sv}", "as", end_credential, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Explain", "a{sv}", "bsa(sssssu)a(ssssub)s", explain, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Reload", "", "", reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("PreviewPolicy", "sss", "aa{sv}s", preview_policy, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Version", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("PolicyState", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("PolicySince", "t", get_property, 0, 0),
        SD_BUS_PROPERTY("PolicyDigest", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("PolicyDirectory", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("PolicyProblems", "as", get_property, 0, 0),
        SD_BUS_PROPERTY("Sessions", "u", get_property, 0, 0),
        SD_BUS_PROPERTY("Recording", "b", get_property, 0, 0),
        SD_BUS_VTABLE_END,
    };
    return table;
}

int append_session(sd_bus_message* message, const Session& session, const std::string& event, ctl::Usec left) {
    const auto text = [&](const char* key, const std::string& value) {
        sd_bus_message_append(message, "{sv}", key, "s", value.c_str());
    };
    const auto time = [&](const char* key, ctl::Usec value) {
        sd_bus_message_append(message, "{sv}", key, "t", value);
    };
    sd_bus_message_open_container(message, 'a', "{sv}");
    text("Id", session.id);
    time("Key", session.key);
    text("User", session.user);
    sd_bus_message_append(message, "{sv}", "Uid", "u", session.uid);
    text("State", session.state);
    text("Service", session.service);
    append_texts(message, "Terminals", session.terminals);
    text("Origin", session.origin);
    text("Seat", session.seat);
    text("Scope", session.scope);
    sd_bus_message_append(message, "{sv}", "Leader", "u", session.leader);
    sd_bus_message_append(message, "{sv}", "Adopted", "b", static_cast<int>(session.adopted));
    time("Since", session.since);
    time("IdleSince", session.idle_since);
    time("MaxDuration", session.max_duration);
    time("IdleTimeout", session.idle_timeout);
    append_texts(message, "ActivitySources", session.activity_sources);
    text("LastActivity", session.last_activity);
    time("DurationEndsAt", session.duration_ends_at);
    time("IdleEndsAt", session.idle_ends_at);
    text("Mode", session.mode);
    text("Reason", session.reason);
    if (session.requested_by_uid) {
        sd_bus_message_append(message, "{sv}", "RequestedByUid", "u", *session.requested_by_uid);
        text("RequestedBy", session.requested_by);
    }
    sd_bus_message_append(message, "{sv}", "OfTheFuture", "(id)", 1, 0.5); // a later daemon may add keys
    if (session.credential) {
        text("Credential", *session.credential);
    }
    if (session.reach) {
        append_reach(message, *session.reach);
    }
    if (!event.empty()) {
        text("Event", event);
    }
    if (left != ctl::infinity) {
        time("Left", left);
    }
    return sd_bus_message_close_container(message);
}

} // namespace sesslimit::test
