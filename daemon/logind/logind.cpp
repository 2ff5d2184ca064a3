// SPDX-License-Identifier: MIT
#include "daemon/logind/logind.hpp"

#include "daemon/bus/connection.hpp"
#include "daemon/logind/properties.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

namespace sesslimit::logind {
namespace {

constexpr const char* service = "org.freedesktop.login1";
constexpr const char* manager_path = "/org/freedesktop/login1";
constexpr const char* manager = "org.freedesktop.login1.Manager";
constexpr const char* session_interface = "org.freedesktop.login1.Session";

constexpr const char* ending = "terminate a session through logind";
constexpr const char* asking = "query logind for a session";

bool is_unknown_session(const sd_bus_error* error) {
    return sd_bus_error_has_name(error, "org.freedesktop.login1.NoSuchSession") > 0 ||
           sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_OBJECT) > 0;
}

/// Returns true if `error`, a reply to logind's method GetSessionByPID, means that the process does not belong to a
/// session or has exited.
bool is_without_session(const sd_bus_error* error) {
    return sd_bus_error_has_name(error, "org.freedesktop.login1.NoSessionForPID") > 0 ||
           sd_bus_error_has_name(error, "org.freedesktop.DBus.Error.UnixProcessIdUnknown") > 0;
}

} // namespace

struct Logind::Impl {
    /// One pending request for the properties of a session. The request ends when logind replies, or when the
    /// connection is lost.
    struct Call {
        Impl* owner;
        std::string id;
        /// Object path of the session.
        std::string path;
        /// True if the session is from a list of all sessions. In this case the callback `caught_up` is called only
        /// after the reply to this request.
        bool of_list = false;
        /// True if the request repeats an earlier request for the same session. A request is repeated at most once.
        bool again = false;
    };

    Callbacks callbacks;
    bus::Connection bus;
    /// Number of sessions of the last list whose properties logind has not returned yet.
    std::size_t to_catch_up = 0;
    IdleStop idle_stop;

    Impl(sd_event* loop, Callbacks tell)
        : callbacks(std::move(tell)), bus(loop, "sesslimitd-logind", SD_EVENT_PRIORITY_NORMAL,
                                          {.connected = [this](sd_bus*) { return subscribe(); },
                                           .failed = [this](Error error) { callbacks.failed(std::move(error)); }}) {}

    int subscribe() {
        const std::string of_manager = "type='signal',sender='org.freedesktop.login1',path='/org/freedesktop/login1',"
                                       "interface='org.freedesktop.login1.Manager',";
        int code = bus.match(of_manager + "member='SessionNew'", [this](sd_bus_message* m) { session_new(m); });
        const auto then = [&](const std::string& rule, bus::Connection::Heard heard) {
            code = code < 0 ? code : bus.match(rule, std::move(heard));
        };
        then(of_manager + "member='SessionRemoved'", [this](sd_bus_message* m) { session_removed(m); });
        then("type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
             "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.freedesktop.login1'",
             [this](sd_bus_message* m) { owner_changed(m); });
        if (code >= 0) {
            ask_settings();
            list();
        }
        return code;
    }

    /// One pending request for a setting of logind.
    struct SettingCall {
        Impl* owner;
        Duration IdleStop::* setting;
    };

    // A failure is not reported, because the settings only serve to name a reason.
    static int on_setting(sd_bus_message* m, void* data, sd_bus_error*) {
        const auto& call = *static_cast<SettingCall*>(data);
        std::uint64_t span = 0;
        if (sd_bus_message_is_method_error(m, nullptr) <= 0 && sd_bus_message_read(m, "v", "t", &span) >= 0) {
            constexpr auto longest = static_cast<std::uint64_t>(unlimited_duration.count());
            call.owner->idle_stop.*call.setting = Duration(static_cast<Duration::rep>(std::min(span, longest)));
        }
        return 0;
    }

    void ask_setting(const char* property, Duration IdleStop::* setting) {
        call(manager_path, "org.freedesktop.DBus.Properties", "Get", &Impl::on_setting, SettingCall{this, setting},
             "ss", manager, property);
    }

    void ask_stop_time() { ask_setting("StopIdleSessionUSec", &IdleStop::stop); }

    void ask_settings() {
        ask_stop_time();
        ask_setting("IdleActionUSec", &IdleStop::action);
    }

    void list() {
        const int code = sd_bus_call_method_async(bus.get(), nullptr, service, manager_path, manager, "ListSessions",
                                                  &Impl::on_list, this, nullptr);
        bus.check("list the sessions of logind", code);
    }

    /// Calls a method of logind. `handler` receives the reply and a pointer to `value`. Returns a negative errno value
    /// on failure.
    template <class Value, class... Args>
    int call(const char* path, const char* interface, const char* method, sd_bus_message_handler_t handler, Value value,
             const char* types, Args... args) {
        sd_bus_message* m = nullptr;
        int code = sd_bus_message_new_method_call(bus.get(), &m, service, path, interface, method);
        if (code >= 0) {
            code = sd_bus_message_append(m, types, args...);
        }
        if (code >= 0) {
            code = bus.call(m, handler, std::move(value));
        }
        sd_bus_message_unref(m);
        return code;
    }

    /// Requests all properties of the logind session with the object path `path`.
    template <class Value>
    int get_all(const char* path, const char* doing, sd_bus_message_handler_t handler, Value value) {
        const int code =
            call(path, "org.freedesktop.DBus.Properties", "GetAll", handler, std::move(value), "s", session_interface);
        return bus.check(doing, code);
    }

    int ask_for(Call call) {
        const std::string path = call.path;
        return get_all(path.c_str(), asking, &Impl::on_properties, std::move(call));
    }

    int ask_again(Call call) {
        call.again = true;
        return ask_for(std::move(call));
    }

    static int on_list(sd_bus_message* m, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        if (sd_bus_message_is_method_error(m, nullptr) > 0) {
            self.callbacks.failed(bus::error_of("list the sessions of logind", m));
            self.callbacks.caught_up();
            return 0;
        }
        std::vector<std::pair<std::string, std::string>> sessions;
        const char *id = nullptr, *user = nullptr, *seat = nullptr, *path = nullptr;
        std::uint32_t uid = 0;
        int code = sd_bus_message_enter_container(m, 'a', "(susso)");
        while (code >= 0 && (code = sd_bus_message_read(m, "(susso)", &id, &uid, &user, &seat, &path)) > 0) {
            sessions.emplace_back(id, path);
        }
        self.bus.check("read the session list from logind", code);
        if (code < 0) {
            return 0;
        }
        std::vector<std::string> ids;
        ids.reserve(sessions.size());
        for (const auto& [name, at] : sessions) {
            ids.push_back(name);
        }
        self.callbacks.listed(std::move(ids));
        self.to_catch_up = sessions.size();
        for (const auto& [name, at] : sessions) {
            if (self.ask_for({.owner = &self, .id = name, .path = at, .of_list = true}) < 0) {
                --self.to_catch_up;
            }
        }
        if (self.to_catch_up == 0) {
            self.callbacks.caught_up();
        }
        return 0;
    }

    static int on_properties(sd_bus_message* m, void* data, sd_bus_error*) {
        const auto& call = *static_cast<Call*>(data);
        Impl& self = *call.owner;
        if (sd_bus_message_is_method_error(m, nullptr) > 0) {
            // If logind does not know the session, a short session has already ended between logind's announcement and
            // the request. After any other error the request is repeated, because limits do not apply to a session
            // whose properties are unknown.
            if (!is_unknown_session(sd_bus_message_get_error(m))) {
                self.callbacks.failed(bus::error_of(asking, m));
                if (!call.again && self.ask_again(call) >= 0) {
                    return 0;
                }
            }
        } else if (auto session = read_session(m); !session) {
            self.callbacks.failed(session.error());
        } else if (session->leader.pid == 0 && !session->closing && !call.again) {
            // The leader, which is the process that opened the session, has exited since logind replied. Only logind
            // knows whether the session was closed before the exit, so the session's properties are requested again. If
            // the second reply states that the session was closed, the core does not adopt the session.
            if (self.ask_again(call) >= 0) {
                return 0;
            }
        } else {
            self.callbacks.appeared(*std::move(session));
        }
        if (call.of_list && self.to_catch_up > 0) {
            --self.to_catch_up;
            if (self.to_catch_up == 0) {
                self.callbacks.caught_up();
            }
        }
        return 0;
    }

    void session_new(sd_bus_message* m) {
        const char *id = nullptr, *path = nullptr;
        if (bus.check("read the D-Bus signal SessionNew from logind", sd_bus_message_read(m, "so", &id, &path)) >= 0) {
            ask_for({.owner = this, .id = id, .path = path});
            ask_stop_time();
        }
    }

    void session_removed(sd_bus_message* m) {
        const char *id = nullptr, *path = nullptr;
        if (bus.check("read the D-Bus signal SessionRemoved from logind", sd_bus_message_read(m, "so", &id, &path)) >=
            0) {
            callbacks.gone(id);
        }
    }

    void owner_changed(sd_bus_message* m) {
        const char *name = nullptr, *before = nullptr, *now = nullptr;
        if (sd_bus_message_read(m, "sss", &name, &before, &now) >= 0 && *now != '\0') {
            ask_settings();
            list(); // a restarted logind sends no signals for sessions that it has restored
        }
    }

    /// Pending request to logind for an operation on a session, such as TerminateSession.
    struct Order {
        Impl* owner;
        std::string id;
        /// Description of the operation for error messages. It has static storage duration.
        const char* doing;
    };

    static int on_done(sd_bus_message* m, void* data, sd_bus_error*) {
        const auto& order = *static_cast<Order*>(data);
        if (sd_bus_message_is_method_error(m, nullptr) <= 0) {
            return 0;
        }
        if (is_unknown_session(sd_bus_message_get_error(m))) {
            order.owner->callbacks.gone(order.id);
        } else {
            order.owner->callbacks.failed(bus::error_of(order.doing, m));
        }
        return 0;
    }

    /// One pending request for the idle hint of a logind session.
    struct PendingCall {
        Impl* owner;
        std::function<void(Duration)> then;
    };

    static int on_idle_hint(sd_bus_message* m, void* data, sd_bus_error*) {
        const auto& question = *static_cast<PendingCall*>(data);
        if (sd_bus_message_is_method_error(m, nullptr) > 0) {
            if (!is_unknown_session(sd_bus_message_get_error(m))) {
                question.owner->callbacks.failed(bus::error_of("query logind for the IdleHint of a session", m));
            }
        } else if (const auto hint = read_idle_hint(m); !hint) {
            question.owner->callbacks.failed(hint.error());
        } else {
            question.then(*hint);
        }
        return 0;
    }

    /// Returns the object path of the logind session with the ID `id`, or an empty string if memory is exhausted.
    static std::string path_of(const std::string& id) {
        char* path = nullptr;
        if (sd_bus_path_encode("/org/freedesktop/login1/session", id.c_str(), &path) < 0) {
            return {};
        }
        const std::unique_ptr<char, decltype(&std::free)> owned(path, &std::free);
        return path;
    }

    void ask_idle_hint(const std::string& id, std::function<void(Duration)> then) {
        get_all(path_of(id).c_str(), "query logind for the IdleHint of a session", &Impl::on_idle_hint,
                PendingCall{this, std::move(then)});
    }

    /// One pending request for a session, which is given by its ID or by the PID of one of its processes.
    struct SessionQuestion {
        Impl* owner;
        std::string id; ///< empty: request for a process
        SessionAnswer then;
    };

    /// Returns true if `m` is an error reply of logind. In this case reports the error, and passes nullopt to the
    /// continuation `then` of the request.
    static bool is_failure(sd_bus_message* m, const SessionQuestion& question) {
        if (sd_bus_message_is_method_error(m, nullptr) <= 0) {
            return false;
        }
        const sd_bus_error* error = sd_bus_message_get_error(m);
        if (is_unknown_session(error) && !question.id.empty()) {
            question.owner->callbacks.gone(question.id);
        } else if (!is_unknown_session(error) && !is_without_session(error)) {
            question.owner->callbacks.failed(bus::error_of(asking, m));
        }
        question.then(std::nullopt);
        return true;
    }

    static int on_session(sd_bus_message* m, void* data, sd_bus_error*) {
        const auto& question = *static_cast<SessionQuestion*>(data);
        if (is_failure(m, question)) {
            return 0;
        }
        auto session = read_session(m);
        if (!session) {
            question.owner->callbacks.failed(session.error());
        }
        question.then(session ? std::optional(*std::move(session)) : std::nullopt);
        return 0;
    }

    static int on_session_path(sd_bus_message* m, void* data, sd_bus_error*) {
        const auto& question = *static_cast<SessionQuestion*>(data);
        const char* path = nullptr;
        if (is_failure(m, question)) {
            return 0;
        }
        if (question.owner->bus.check("read the session of a process from logind", sd_bus_message_read(m, "o", &path)) <
            0) {
            question.then(std::nullopt);
        } else {
            question.owner->ask_session_at(path, question);
        }
        return 0;
    }

    void ask_session_at(const char* path, SessionQuestion question) {
        const SessionAnswer then = question.then;
        if (get_all(path, asking, &Impl::on_session, std::move(question)) < 0) {
            then(std::nullopt);
        }
    }

    void ask_session_of(pid_t pid, const SessionAnswer& then) {
        const int code = call(manager_path, manager, "GetSessionByPID", &Impl::on_session_path,
                              SessionQuestion{this, {}, then}, "u", static_cast<std::uint32_t>(pid));
        if (bus.check("query logind for the session of a process", code) < 0) {
            then(std::nullopt);
        }
    }

    template <class... Args>
    void order(const std::string& id, const char* doing, const char* method, const char* types, Args... args) {
        bus.check(doing, call(manager_path, manager, method, &Impl::on_done, Order{this, id, doing}, types, args...));
    }
};

Logind::Logind(sd_event* loop, Callbacks callbacks) : impl_(std::make_unique<Impl>(loop, std::move(callbacks))) {}

Logind::~Logind() = default;

void Logind::connect() {
    impl_->bus.open();
}

void Logind::terminate(const std::string& id) {
    impl_->order(id, ending, "TerminateSession", "s", id.c_str());
}

void Logind::lock(const std::string& id) {
    impl_->order(id, "lock a session through logind", "LockSession", "s", id.c_str());
}

void Logind::ask_idle_hint(const std::string& id, std::function<void(Duration)> then) {
    impl_->ask_idle_hint(id, std::move(then));
}

const IdleStop& Logind::idle_stop() const noexcept {
    return impl_->idle_stop;
}

void Logind::ask_session(const std::string& id, SessionAnswer then) {
    impl_->ask_session_at(Impl::path_of(id).c_str(), {impl_.get(), id, std::move(then)});
}

void Logind::ask_session_of(pid_t pid, const SessionAnswer& then) {
    impl_->ask_session_of(pid, then);
}

void Logind::kill_all(const std::string& id, int signal) {
    impl_->order(id, ending, "KillSession", "ssi", id.c_str(), "all", static_cast<std::int32_t>(signal));
}

} // namespace sesslimit::logind
