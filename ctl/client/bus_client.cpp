// SPDX-License-Identifier: MIT
#include "ctl/client/bus_client.hpp"

#include "common/clock.hpp"
#include "common/process.hpp"
#include "ctl/cli/polkit_agent.hpp"
#include "ctl/client/bus_read.hpp"
#include "ctl/client/bus_watch.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/output/format.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace sesslimit::ctl {
namespace {

using Kind = Failure::Kind;

constexpr Usec usual_time = 0;             // Default timeout of sd-bus.
constexpr Usec database_time = 60'000'000; // Timeout of calls that query a user database, which may be remote and slow.
constexpr Usec password_time = 120'000'000;
constexpr char wants_person[] = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired";

std::unexpected<Failure> failed(int error) {
    return std::unexpected(failure_of_errno(error));
}

/// Returns the value that `read` decodes from a reply of the daemon. Returns a failure if the call failed or the reply
/// cannot be decoded.
template <class T>
Answer<T> understood(const Answer<Message>& answer, std::optional<T> (*read)(sd_bus_message*)) {
    if (!answer) {
        return std::unexpected(answer.error());
    }
    auto value = read(answer->get());
    if (!value) {
        return std::unexpected(
            Failure{Kind::other,
                    "unexpected reply from sesslimitd; check that sesslimitd and sesslimitctl have the same version"});
    }
    return *std::move(value);
}

Answer<> done(const Answer<Message>& answer) {
    return answer ? Answer<>() : std::unexpected(answer.error());
}

int no_arguments(sd_bus_message*) {
    return 0;
}

auto one_text(std::string text) {
    return [text = std::move(text)](sd_bus_message* call) { return sd_bus_message_append(call, "s", text.c_str()); };
}

/// Returns the arguments of EndSession, EndUser and EndCredential.
auto end_request(std::string target, std::string message) {
    return [target = std::move(target), message = std::move(message)](sd_bus_message* call) {
        const int r = sd_bus_message_append(call, "s", target.c_str());
        if (r < 0 || message.empty()) {
            return r < 0 ? r : sd_bus_message_append(call, "a{sv}", 0);
        }
        return sd_bus_message_append(call, "a{sv}", 1, "message", "s", message.c_str());
    };
}

int append_question(sd_bus_message* call, const ExplainQuery& question) {
    int r = sd_bus_message_open_container(call, 'a', "{sv}");
    if (r >= 0) {
        r = sd_bus_message_append(call, "{sv}", "User", "s", question.user.c_str());
    }
    const std::pair<const char*, const std::optional<std::string>&> facts[] = {{"Service", question.service},
                                                                               {"Origin", question.origin},
                                                                               {"Method", question.method},
                                                                               {"Credential", question.credential},
                                                                               {"Seat", question.seat}};
    for (const auto& [name, fact] : facts) {
        if (r >= 0 && fact) {
            r = sd_bus_message_append(call, "{sv}", name, "s", fact->c_str());
        }
    }
    if (r >= 0 && !question.groups.empty()) {
        std::vector<char*> groups;
        groups.reserve(question.groups.size() + 1);
        for (const std::string& group : question.groups) {
            groups.push_back(const_cast<char*>(group.c_str()));
        }
        groups.push_back(nullptr);
        r = sd_bus_message_open_container(call, 'e', "sv");
        r = r < 0 ? r : sd_bus_message_append(call, "s", "Groups");
        r = r < 0 ? r : sd_bus_message_open_container(call, 'v', "as");
        r = r < 0 ? r : sd_bus_message_append_strv(call, groups.data());
        r = r < 0 ? r : sd_bus_message_close_container(call);
        r = r < 0 ? r : sd_bus_message_close_container(call);
    }
    return r < 0 ? r : sd_bus_message_close_container(call);
}

/// Waits at most for the time `patience` until the connection to the bus is ready. sd_bus_call(3) would also wait for
/// the connection, but without this timeout.
Answer<> wait_until_ready(sd_bus* bus, Usec patience) {
    const MonotonicTime until = monotonic_now() + Duration(static_cast<Duration::rep>(patience));
    while (sd_bus_is_ready(bus) <= 0) {
        int r = sd_bus_process(bus, nullptr);
        const Duration left = until - monotonic_now();
        if (r == 0 && left <= Duration{}) {
            return std::unexpected(Failure{Kind::other, "the system bus does not answer"});
        }
        if (r == 0) {
            r = sd_bus_wait(bus, static_cast<Usec>(left.count()));
        }
        if (r < 0 && r != -EINTR) {
            return failed(r);
        }
    }
    return {};
}

Answer<Message> call_of_daemon(sd_bus* bus, const char* interface, const char* member) {
    sd_bus_message* made = nullptr;
    int r = sd_bus_message_new_method_call(bus, &made, bus_name, bus_path, interface, member);
    Message call(made);
    r = r < 0 ? r : sd_bus_message_set_auto_start(call.get(), 0);
    return r < 0 ? Answer<Message>(failed(r)) : Answer<Message>(std::move(call));
}

/// Returns the credentials of the daemon's process that `mask` selects, or null if the bus does not provide them. The
/// SELinux label must be requested separately, because a bus without SELinux replies to such a request with an error.
Credentials credentials_of_daemon(sd_bus* bus, std::uint64_t mask) {
    sd_bus_creds* credentials = nullptr;
    (void)sd_bus_get_name_creds(bus, bus_name, mask, &credentials);
    return Credentials(credentials);
}

/// Returns the start time of a process in microseconds since the epoch, or 0 if the time is unknown.
Usec start_of(pid_t pid) {
    const auto stat = read_process_stat(pid);
    const long ticks = sysconf(_SC_CLK_TCK);
    if (!stat || ticks <= 0) {
        return 0;
    }
    const Duration after_boot(static_cast<Duration::rep>(stat->start * 1'000'000 / static_cast<std::uint64_t>(ticks)));
    const Duration started = after_boot + wall_offset();
    return started > Duration{} ? static_cast<Usec>(started.count()) : 0;
}

} // namespace

Failure failure_of_errno(int error) {
    switch (-error) {
    case ENOENT: // no bus
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOTCONN:
        return {Kind::not_running, std::strerror(-error)};
    case ETIMEDOUT:
        return {Kind::no_answer, std::strerror(-error)};
    case EACCES:
    case EPERM:
        return {Kind::not_allowed, "access to the system bus denied"};
    case EINVAL:
        return {Kind::other, "argument is not valid UTF-8"};
    default:
        return {Kind::other, std::string("communication with the system bus failed: ") + std::strerror(-error)};
    }
}

Answer<> BusClient::connect() {
    if (bus_) {
        return {};
    }
    sd_bus* opened = nullptr;
    const int r = sd_bus_open_system(&opened);
    Bus bus(opened);
    if (r < 0) {
        return failed(r);
    }
    if (std::getenv("SYSTEMD_BUS_TIMEOUT") == nullptr) {
        sd_bus_set_method_call_timeout(bus.get(), options_.patience);
    } else {
        sd_bus_get_method_call_timeout(bus.get(), &options_.patience);
        options_.ping_patience = options_.patience;
    }
    if (auto ready = wait_until_ready(bus.get(), options_.patience); !ready) {
        return ready;
    }
    bus_ = std::move(bus);
    return {};
}

/// Pings the daemon, unless the daemon has already answered a ping. In the daemon, the library sd-bus answers pings and
/// never denies them. Therefore the error AccessDenied in reply to a ping always comes from the bus.
Answer<> BusClient::reach_daemon() {
    if (reached_) {
        return {};
    }
    if (auto connected = connect(); !connected) {
        return connected;
    }
    auto call = call_of_daemon(bus_.get(), "org.freedesktop.DBus.Peer", "Ping");
    if (!call) {
        return std::unexpected(call.error());
    }
    const Usec patience = std::min(options_.ping_patience, options_.patience);
    Reply reply = send(call->get(), patience);
    if (reply.timed_out) {
        return std::unexpected(Failure{Kind::unresponsive, exact(patience)});
    }
    if (reply.failure && reply.failure->kind == Kind::not_allowed) {
        reply.failure->kind = Kind::bus_denied;
    }
    reached_ = !reply.failure;
    return done(answer_of(std::move(reply)));
}

Answer<Message> BusClient::compose(const char* interface, const char* member, const Fill& fill) {
    if (auto reached = reach_daemon(); !reached) {
        return std::unexpected(reached.error());
    }
    auto call = call_of_daemon(bus_.get(), interface, member);
    if (const int r = call ? fill(call->get()) : 0; r < 0) {
        return failed(r);
    }
    return call;
}

BusClient::Reply BusClient::send(sd_bus_message* call, Usec timeout) {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message* answer = nullptr;
    const int r = sd_bus_call(bus_.get(), call, timeout, &error, &answer);
    Reply reply{.message = Message(answer), .failure = std::nullopt};
    if (r < 0) {
        const std::string_view name = error.name == nullptr ? "" : error.name;
        reply.failure =
            name.empty() ? failure_of_errno(r) : failure_of(name, error.message == nullptr ? "" : error.message);
        reply.wants_person = name == wants_person;
        reply.timed_out = r == -ETIMEDOUT && name != "org.freedesktop.DBus.Error.NoReply";
    }
    sd_bus_error_free(&error);
    return reply;
}

Answer<Message> BusClient::answer_of(Reply reply) {
    if (reply.failure) {
        return std::unexpected(*std::move(reply.failure));
    }
    return std::move(reply.message);
}

Answer<Message> BusClient::ask(const char* member, const Fill& fill, Usec timeout) {
    auto call = compose(manager, member, fill);
    return call ? answer_of(send(call->get(), timeout)) : std::move(call);
}

/// Calls a method of the daemon that may require authorization by polkit. If the call fails for lack of authorization,
/// repeats it and allows polkit to ask for a password.
Answer<Message> BusClient::ask_authorized(const char* member, const Fill& fill, Usec timeout) {
    auto call = compose(manager, member, fill);
    if (!call) {
        return call;
    }
    Reply reply = send(call->get(), timeout);
    if (!reply.wants_person || !options_.interactive) {
        return answer_of(std::move(reply));
    }
    call = compose(manager, member, fill);
    if (!call) {
        return call;
    }
    const PolkitAgent agent;
    sd_bus_message_set_allow_interactive_authorization(call->get(), 1);
    return answer_of(send(call->get(), password_time));
}

Answer<std::vector<Session>> BusClient::list() {
    return understood(ask("ListSessions", no_arguments), read_sessions);
}

Answer<Session> BusClient::session(const std::string& id) {
    return understood(ask("GetSession", one_text(id)), read_session);
}

Answer<> BusClient::end_session(const std::string& id, const std::string& message) {
    return done(ask_authorized("EndSession", end_request(id, message)));
}

Answer<std::vector<std::string>> BusClient::end_user(const std::string& user, const std::string& message) {
    return understood(ask_authorized("EndUser", end_request(user, message)), read_ids);
}

Answer<std::vector<std::string>> BusClient::end_credential(const std::string& fingerprint, const std::string& message) {
    return understood(ask_authorized("EndCredential", end_request(fingerprint, message)), read_ids);
}

Answer<Explanation> BusClient::explain(const ExplainQuery& question) {
    const auto fill = [&](sd_bus_message* call) { return append_question(call, question); };
    return understood(ask("Explain", fill, database_time), read_explanation);
}

Answer<> BusClient::reload() {
    return done(ask_authorized("Reload", no_arguments, database_time));
}

Answer<PolicyPreview> BusClient::preview(const std::string& file, const std::string& text, const std::string& session) {
    const auto fill = [&](sd_bus_message* call) {
        return sd_bus_message_append(call, "sss", file.c_str(), text.c_str(), session.c_str());
    };
    return understood(ask("PreviewPolicy", fill, database_time), read_preview);
}

Answer<Status> BusClient::status() {
    auto call = compose("org.freedesktop.DBus.Properties", "GetAll", one_text(manager));
    return understood(call ? answer_of(send(call->get(), usual_time)) : std::move(call), read_status);
}

DaemonProcess BusClient::process() {
    if (!connect()) {
        return {};
    }
    DaemonProcess process;
    const char* label = nullptr;
    const Credentials of_label = credentials_of_daemon(bus_.get(), SD_BUS_CREDS_SELINUX_CONTEXT);
    if (of_label && sd_bus_creds_get_selinux_context(of_label.get(), &label) >= 0) {
        process.label = label;
    }
    pid_t pid = 0;
    const Credentials of_pid = credentials_of_daemon(bus_.get(), SD_BUS_CREDS_PID);
    if (of_pid && sd_bus_creds_get_pid(of_pid.get(), &pid) >= 0) {
        process.started = start_of(pid);
    }
    return process;
}

Answer<> BusClient::watch(const Watcher& watcher) {
    if (auto reached = reach_daemon(); !reached) {
        return reached;
    }
    return BusWatch(bus_.get(), watcher).run();
}

} // namespace sesslimit::ctl
