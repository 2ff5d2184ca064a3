// SPDX-License-Identifier: MIT
#include "ctl/client/bus_read.hpp"

#include "common/text.hpp"

#include <map>
#include <string_view>
#include <utility>
#include <variant>

namespace sesslimit::ctl {
namespace {

using Value = std::variant<std::monostate, std::string, std::uint64_t, std::uint32_t, bool, std::vector<std::string>>;
using Properties = std::map<std::string, Value, std::less<>>;

constexpr std::size_t max_texts = 128;
constexpr std::size_t max_ids = 100'000;
constexpr std::size_t max_text_length = 4096;

bool read_text(sd_bus_message* message, std::string& out) {
    const char* text = nullptr;
    if (sd_bus_message_read_basic(message, 's', static_cast<void*>(&text)) <= 0) {
        return false;
    }
    out = as_utf8(text, max_text_length);
    return true;
}

template <class Number>
bool read_number(sd_bus_message* message, char type, Number& out) {
    return sd_bus_message_read_basic(message, type, &out) > 0;
}

bool read_flag(sd_bus_message* message, bool& out) {
    int flag = 0;
    const bool read = read_number(message, 'b', flag);
    out = flag != 0;
    return read;
}

bool read_texts(sd_bus_message* message, std::vector<std::string>& out, std::size_t most = max_texts) {
    if (sd_bus_message_enter_container(message, 'a', "s") <= 0) {
        return false;
    }
    for (std::string text; read_text(message, text);) {
        if (out.size() < most) {
            out.push_back(text);
        }
    }
    return sd_bus_message_exit_container(message) >= 0;
}

template <class T, class Read>
bool read_into(Value& value, Read read) {
    T out{};
    const bool done = read(out);
    value = std::move(out);
    return done;
}

/// Reads the contents of a D-Bus variant. Skips contents of an unknown type, because later versions of the daemon may
/// send them.
bool read_contents(sd_bus_message* message, const std::string& signature, Value& value) {
    if (signature == "s") {
        return read_into<std::string>(value, [=](auto& out) { return read_text(message, out); });
    }
    if (signature == "t") {
        return read_into<std::uint64_t>(value, [=](auto& out) { return read_number(message, 't', out); });
    }
    if (signature == "u") {
        return read_into<std::uint32_t>(value, [=](auto& out) { return read_number(message, 'u', out); });
    }
    if (signature == "b") {
        return read_into<bool>(value, [=](auto& out) { return read_flag(message, out); });
    }
    if (signature == "as") {
        return read_into<std::vector<std::string>>(value, [=](auto& out) { return read_texts(message, out); });
    }
    return sd_bus_message_skip(message, signature.c_str()) >= 0;
}

bool read_variant(sd_bus_message* message, Value& value) {
    char type = 0;
    const char* contents = nullptr;
    if (sd_bus_message_peek_type(message, &type, &contents) <= 0 || type != 'v' || contents == nullptr) {
        return false;
    }
    const std::string signature = contents;
    if (sd_bus_message_enter_container(message, 'v', signature.c_str()) <= 0) {
        return false;
    }
    return read_contents(message, signature, value) && sd_bus_message_exit_container(message) >= 0;
}

std::optional<Properties> read_properties(sd_bus_message* message) {
    if (sd_bus_message_enter_container(message, 'a', "{sv}") <= 0) {
        return std::nullopt;
    }
    Properties properties;
    int entered = 0;
    while ((entered = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        std::string name;
        Value value;
        if (!read_text(message, name) || !read_variant(message, value) || sd_bus_message_exit_container(message) < 0) {
            return std::nullopt;
        }
        properties.insert_or_assign(std::move(name), std::move(value));
    }
    if (entered < 0 || sd_bus_message_exit_container(message) < 0) {
        return std::nullopt;
    }
    return properties;
}

template <class T>
void take(Properties& properties, std::string_view name, T& out) {
    const auto found = properties.find(name);
    if (found != properties.end() && std::holds_alternative<T>(found->second)) {
        out = std::get<T>(std::move(found->second));
    }
}

void take(Properties& properties, std::string_view name, std::optional<std::string>& out) {
    const auto found = properties.find(name);
    if (found != properties.end() && std::holds_alternative<std::string>(found->second)) {
        out = std::get<std::string>(found->second);
    }
}

void take(Properties& properties, std::string_view name, std::optional<std::uint32_t>& out) {
    const auto found = properties.find(name);
    if (found != properties.end() && std::holds_alternative<std::uint32_t>(found->second)) {
        out = std::get<std::uint32_t>(found->second);
    }
}

std::optional<TerminationPreview> termination_preview_of(Properties& properties) {
    if (!properties.contains("Processes")) {
        return std::nullopt;
    }
    TerminationPreview reach;
    take(properties, "Processes", reach.processes);
    take(properties, "Commands", reach.commands);
    take(properties, "Kept", reach.kept);
    take(properties, "Keep", reach.keep);
    take(properties, "OtherUnits", reach.other_units);
    take(properties, "Lingers", reach.lingers);
    return reach;
}

Session session_of(Properties& properties) {
    Session session;
    take(properties, "Id", session.id);
    take(properties, "Key", session.key);
    take(properties, "User", session.user);
    take(properties, "Uid", session.uid);
    take(properties, "State", session.state);
    take(properties, "Service", session.service);
    take(properties, "Terminals", session.terminals);
    take(properties, "Origin", session.origin);
    take(properties, "Seat", session.seat);
    take(properties, "Scope", session.scope);
    take(properties, "Leader", session.leader);
    take(properties, "Adopted", session.adopted);
    take(properties, "Since", session.since);
    take(properties, "IdleSince", session.idle_since);
    take(properties, "MaxDuration", session.max_duration);
    take(properties, "IdleTimeout", session.idle_timeout);
    take(properties, "ActivitySources", session.activity_sources);
    take(properties, "LastActivity", session.last_activity);
    take(properties, "DurationEndsAt", session.duration_ends_at);
    take(properties, "IdleEndsAt", session.idle_ends_at);
    take(properties, "Mode", session.mode);
    take(properties, "Reason", session.reason);
    take(properties, "RequestedByUid", session.requested_by_uid);
    take(properties, "RequestedBy", session.requested_by);
    take(properties, "Credential", session.credential);
    take(properties, "Method", session.method);
    take(properties, "RemoteUser", session.remote_user);
    session.reach = termination_preview_of(properties);
    return session;
}

bool read_setting(sd_bus_message* message, EffectiveSetting& out) {
    return read_text(message, out.name) && read_text(message, out.value) && read_text(message, out.tier) &&
           read_text(message, out.rule) && read_text(message, out.file) && read_number(message, 'u', out.line);
}

bool read_rule(sd_bus_message* message, MatchingRule& out) {
    return read_text(message, out.tier) && read_text(message, out.rule) && read_text(message, out.file) &&
           read_text(message, out.sets) && read_number(message, 'u', out.line) && read_flag(message, out.wins);
}

template <class T>
bool read_structs(sd_bus_message* message, const std::string& members, bool (*read)(sd_bus_message*, T&),
                  std::vector<T>& out) {
    if (sd_bus_message_enter_container(message, 'a', ("(" + members + ")").c_str()) <= 0) {
        return false;
    }
    while (sd_bus_message_enter_container(message, 'r', members.c_str()) > 0) {
        T value;
        if (!read(message, value) || sd_bus_message_exit_container(message) < 0) {
            return false;
        }
        out.push_back(std::move(value));
    }
    return sd_bus_message_exit_container(message) >= 0;
}

} // namespace

std::optional<std::vector<Session>> read_sessions(sd_bus_message* message) {
    if (sd_bus_message_enter_container(message, 'a', "a{sv}") <= 0) {
        return std::nullopt;
    }
    std::vector<Session> sessions;
    while (sd_bus_message_at_end(message, 0) == 0) {
        auto properties = read_properties(message);
        if (!properties) {
            return std::nullopt;
        }
        sessions.push_back(session_of(*properties));
    }
    return sd_bus_message_exit_container(message) >= 0 ? std::optional(std::move(sessions)) : std::nullopt;
}

std::optional<Session> read_session(sd_bus_message* message) {
    auto properties = read_properties(message);
    return properties ? std::optional(session_of(*properties)) : std::nullopt;
}

std::optional<std::vector<std::string>> read_ids(sd_bus_message* message) {
    std::vector<std::string> ids;
    return read_texts(message, ids, max_ids) ? std::optional(std::move(ids)) : std::nullopt;
}

std::optional<Explanation> read_explanation(sd_bus_message* message) {
    Explanation explanation;
    const bool read = read_flag(message, explanation.counts) && read_text(message, explanation.why) &&
                      read_structs(message, "sssssu", read_setting, explanation.settings) &&
                      read_structs(message, "ssssub", read_rule, explanation.rules) &&
                      read_text(message, explanation.outcome);
    return read ? std::optional(std::move(explanation)) : std::nullopt;
}

std::optional<PolicyPreview> read_preview(sd_bus_message* message) {
    PolicyPreview preview;
    auto sessions = read_sessions(message);
    if (!sessions || !read_text(message, preview.denial)) {
        return std::nullopt;
    }
    preview.sessions = *std::move(sessions);
    return preview;
}

std::optional<Status> read_status(sd_bus_message* message) {
    auto properties = read_properties(message);
    if (!properties) {
        return std::nullopt;
    }
    Status status;
    take(*properties, "Version", status.version);
    take(*properties, "PolicyState", status.policy_state);
    take(*properties, "PolicySince", status.policy_since);
    take(*properties, "Sessions", status.sessions);
    take(*properties, "Recording", status.recording);
    take(*properties, "PolicyProblems", status.policy_problems);
    take(*properties, "PolicyDigest", status.policy_digest);
    take(*properties, "PolicyDirectory", status.policy_directory);
    return status;
}

std::optional<Event> read_event(sd_bus_message* message) {
    Event event;
    if (sd_bus_message_is_signal(message, manager, "PolicyChanged") > 0) {
        event.name = "policy-changed";
        return read_text(message, event.policy_state) ? std::optional(std::move(event)) : std::nullopt;
    }
    auto properties = read_properties(message);
    if (!properties) {
        return std::nullopt;
    }
    take(*properties, "Event", event.name);
    event.session = session_of(*properties);
    Usec left = infinity;
    take(*properties, "Left", left);
    event.left = left != infinity ? std::optional(left) : std::nullopt;
    return event.name.empty() ? std::nullopt : std::optional(std::move(event));
}

} // namespace sesslimit::ctl
