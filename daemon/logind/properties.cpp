// SPDX-License-Identifier: MIT
#include "daemon/logind/properties.hpp"

#include "common/clock.hpp"
#include "common/process.hpp"
#include "common/protocol.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace sesslimit::logind {
namespace {

constexpr std::size_t max_id = 64; // core::Session::logind_id and scope

struct IdleHint {
    bool idle = false;
    Duration age{};
};

Result<> read_text(sd_bus_message* m, std::string& out, std::size_t most) {
    const char* text = nullptr;
    if (const int code = sd_bus_message_read(m, "v", "s", &text); code < 0) {
        return fail_errno("read a property of a logind session", -code);
    }
    out = std::string_view(text).substr(0, most);
    return {};
}

Result<> read_user(sd_bus_message* m, uid_t& uid) {
    std::uint32_t number = 0;
    const char* path = nullptr;
    if (const int code = sd_bus_message_read(m, "v", "(uo)", &number, &path); code < 0) {
        return fail_errno("read the user of a logind session", -code);
    }
    uid = number;
    return {};
}

Result<> read_seat(sd_bus_message* m, std::string& seat) {
    const char* name = nullptr;
    const char* path = nullptr;
    if (const int code = sd_bus_message_read(m, "v", "(so)", &name, &path); code < 0) {
        return fail_errno("read the seat of a logind session", -code);
    }
    seat = std::string_view(name).substr(0, max_seat_length);
    return {};
}

/// Returns the identity of the process that currently has this PID. The identity consists of the PID and a mark that
/// detects a reused PID. Returns an empty Leader if the process does not exist.
Leader leader_of(pid_t pid) {
    const auto found = identify(pid);
    if (found) {
        return *found;
    }
    // If it cannot be determined whether the leader process exists, the Leader keeps its PID. With an empty Leader, the
    // process would be treated as dead, and its session would be terminated.
    return found.error() == ESRCH ? Leader{} : Leader{pid, 0};
}

Result<> read_leader(sd_bus_message* m, Leader& leader) {
    std::uint32_t pid = 0;
    if (const int code = sd_bus_message_read(m, "v", "u", &pid); code < 0) {
        return fail_errno("read the leader of a logind session", -code);
    }
    leader = leader_of(static_cast<pid_t>(pid));
    return {};
}

Result<> read_opened(sd_bus_message* m, BootTime& opened) {
    std::uint64_t monotonic = 0;
    if (const int code = sd_bus_message_read(m, "v", "t", &monotonic); code < 0) {
        return fail_errno("read the start time of a logind session", -code);
    }
    // logind reports the start of a session only in CLOCK_MONOTONIC, which does not advance during suspend. If the host
    // was suspended during the session, the session appears younger by the time of the suspend.
    const Duration age =
        std::max(Duration{}, monotonic_now() - MonotonicTime(Duration(static_cast<Duration::rep>(monotonic))));
    opened = boottime_now() - age;
    return {};
}

Result<> read_property(sd_bus_message* m, std::string_view name, core::LogindSession& session) {
    if (name == "Id") {
        return read_text(m, session.id, max_id);
    }
    if (name == "Scope") {
        return read_text(m, session.scope, max_id);
    }
    if (name == "Class") {
        return read_text(m, session.session_class, max_id);
    }
    if (name == "Type") {
        std::string type;
        const auto done = read_text(m, type, max_id);
        session.graphical = type == "x11" || type == "wayland" || type == "mir";
        return done;
    }
    if (name == "State") {
        std::string state;
        const auto done = read_text(m, state, max_id);
        session.closing = state == "closing";
        return done;
    }
    if (name == "Name") {
        return read_text(m, session.login.user, wire::max_user);
    }
    if (name == "Service") {
        return read_text(m, session.login.service, wire::max_service);
    }
    if (name == "TTY") {
        return read_text(m, session.login.tty, wire::max_tty);
    }
    if (name == "RemoteHost") {
        return read_text(m, session.login.rhost, wire::max_host);
    }
    if (name == "RemoteUser") {
        return read_text(m, session.login.ruser, wire::max_user);
    }
    if (name == "User") {
        return read_user(m, session.login.uid);
    }
    if (name == "Seat") {
        return read_seat(m, session.login.seat);
    }
    if (name == "Leader") {
        return read_leader(m, session.leader);
    }
    if (name == "TimestampMonotonic") {
        return read_opened(m, session.opened);
    }
    if (const int code = sd_bus_message_skip(m, "v"); code < 0) {
        return fail_errno("skip an unused property of a logind session", -code);
    }
    return {};
}

Result<> read_hint_property(sd_bus_message* m, std::string_view name, IdleHint& hint) {
    int code = 0;
    if (name == "IdleHint") {
        int idle = 0;
        code = sd_bus_message_read(m, "v", "b", &idle);
        hint.idle = idle != 0;
    } else if (name == "IdleSinceHintMonotonic") {
        std::uint64_t since = 0;
        code = sd_bus_message_read(m, "v", "t", &since);
        hint.age = std::max(Duration{}, monotonic_now() - MonotonicTime(Duration(static_cast<Duration::rep>(since))));
    } else {
        code = sd_bus_message_skip(m, "v");
    }
    return code < 0 ? fail_errno("read the IdleHint of a logind session", -code) : Result<>{};
}

/// Reads a dictionary a{sv}, and calls `read` with the name of each entry.
template <class Read>
Result<> read_all(sd_bus_message* answer, Read read) {
    int code = sd_bus_message_enter_container(answer, 'a', "{sv}");
    while (code >= 0 && (code = sd_bus_message_enter_container(answer, 'e', "sv")) > 0) {
        const char* name = nullptr;
        if (code = sd_bus_message_read(answer, "s", &name); code < 0) {
            break;
        }
        if (auto done = read(name); !done) {
            return done;
        }
        code = sd_bus_message_exit_container(answer);
    }
    return code < 0 ? fail_errno("read the properties of a logind session", -code) : Result<>{};
}

} // namespace

Result<Duration> read_idle_hint(sd_bus_message* answer) {
    IdleHint hint;
    auto done = read_all(answer, [&](std::string_view name) { return read_hint_property(answer, name, hint); });
    if (!done) {
        return std::unexpected(done.error());
    }
    return hint.idle ? hint.age : Duration{};
}

Result<core::LogindSession> read_session(sd_bus_message* answer) {
    core::LogindSession session;
    auto done = read_all(answer, [&](std::string_view name) { return read_property(answer, name, session); });
    if (!done) {
        return std::unexpected(done.error());
    }
    if (session.id.empty()) {
        return fail("logind returned a session without an ID");
    }
    return session;
}

} // namespace sesslimit::logind
