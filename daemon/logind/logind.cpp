// SPDX-License-Identifier: MIT
#include "daemon/logind/logind.hpp"

#include "daemon/bus/connection.hpp"
#include "daemon/logind/properties.hpp"

#include <csignal>
#include <cstdlib>
#include <memory>
#include <utility>

namespace sesslimit::logind {
namespace {

constexpr const char* service = "org.freedesktop.login1";
constexpr const char* manager_path = "/org/freedesktop/login1";
constexpr const char* manager = "org.freedesktop.login1.Manager";
constexpr const char* session_interface = "org.freedesktop.login1.Session";

constexpr const char* ending = "end a session through logind";

bool is_unknown_session(const sd_bus_error* error) {
    return sd_bus_error_has_name(error, "org.freedesktop.login1.NoSuchSession") > 0 ||
           sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_OBJECT) > 0;
}

} // namespace

struct Logind::Impl {
    /// One call under way. It ends with its answer, or with the connection.
    struct Call {
        Impl* owner;
        std::string id;       ///< the session that it is about
        std::string path;     ///< GetAll: its object
        bool of_list = false; ///< GetAll: caught_up waits for the answer
        bool again = false;   ///< GetAll: asked once more
    };

    Callbacks callbacks;
    bus::Connection bus;
    std::size_t to_catch_up = 0; ///< answers that are still missing of the last list

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
            list();
        }
        return code;
    }

    void list() {
        const int code = sd_bus_call_method_async(bus.get(), nullptr, service, manager_path, manager, "ListSessions",
                                                  &Impl::on_list, this, nullptr);
        bus.check("ask logind for its sessions", code);
    }

    int ask_for(Call call) {
        sd_bus_message* m = nullptr;
        int code = sd_bus_message_new_method_call(bus.get(), &m, service, call.path.c_str(),
                                                  "org.freedesktop.DBus.Properties", "GetAll");
        if (code >= 0) {
            code = sd_bus_message_append(m, "s", session_interface);
        }
        if (code >= 0) {
            code = bus.call(m, &Impl::on_properties, std::move(call));
        }
        sd_bus_message_unref(m);
        bus.check("ask logind for a session", code);
        return code;
    }

    int ask_again(Call call) {
        call.again = true;
        return ask_for(std::move(call));
    }

    static int on_list(sd_bus_message* m, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        if (sd_bus_message_is_method_error(m, nullptr) > 0) {
            self.callbacks.failed(bus::error_of("ask logind for its sessions", m));
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
        self.bus.check("read logind's sessions", code);
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
            // Gone between its announcement and our question, as short logins are. Else it is asked for again: a
            // session that is not known would be under no limit.
            if (!is_unknown_session(sd_bus_message_get_error(m))) {
                self.callbacks.failed(bus::error_of("ask logind for a session", m));
                if (!call.again && self.ask_again(call) >= 0) {
                    return 0;
                }
            }
        } else if (auto session = read_session(m); !session) {
            self.callbacks.failed(session.error());
        } else if (session->leader.pid == 0 && !session->closing && !call.again) {
            // The leader has exited since logind answered. Whether it closed its session before that, only logind
            // knows by now: what is left of a proper logout is nobody's business.
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
        if (bus.check("read logind's SessionNew", sd_bus_message_read(m, "so", &id, &path)) >= 0) {
            ask_for({.owner = this, .id = id, .path = path});
        }
    }

    void session_removed(sd_bus_message* m) {
        const char *id = nullptr, *path = nullptr;
        if (bus.check("read logind's SessionRemoved", sd_bus_message_read(m, "so", &id, &path)) >= 0) {
            callbacks.gone(id);
        }
    }

    void owner_changed(sd_bus_message* m) {
        const char *name = nullptr, *before = nullptr, *now = nullptr;
        if (sd_bus_message_read(m, "sss", &name, &before, &now) >= 0 && *now != '\0') {
            list(); // a new logind: it sends no signals for what it found again
        }
    }

    /// Something that logind was asked to do to a session.
    struct Order {
        Impl* owner;
        std::string id;
        const char* doing; ///< of static storage
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

    /// One question for an idle hint.
    struct Question {
        Impl* owner;
        std::function<void(Span)> then;
    };

    static int on_idle_hint(sd_bus_message* m, void* data, sd_bus_error*) {
        const auto& question = *static_cast<Question*>(data);
        if (sd_bus_message_is_method_error(m, nullptr) > 0) {
            if (!is_unknown_session(sd_bus_message_get_error(m))) {
                question.owner->callbacks.failed(bus::error_of("ask logind whether a session is idle", m));
            }
        } else if (const auto hint = read_idle_hint(m); !hint) {
            question.owner->callbacks.failed(hint.error());
        } else {
            question.then(*hint);
        }
        return 0;
    }

    void ask_idle_hint(const std::string& id, std::function<void(Span)> then) {
        char* path = nullptr;
        int code = sd_bus_path_encode("/org/freedesktop/login1/session", id.c_str(), &path);
        const std::unique_ptr<char, decltype(&std::free)> owned(path, &std::free);
        sd_bus_message* m = nullptr;
        if (code >= 0) {
            code = sd_bus_message_new_method_call(bus.get(), &m, service, path, "org.freedesktop.DBus.Properties",
                                                  "GetAll");
        }
        if (code >= 0) {
            code = sd_bus_message_append(m, "s", session_interface);
        }
        if (code >= 0) {
            code = bus.call(m, &Impl::on_idle_hint, Question{this, std::move(then)});
        }
        sd_bus_message_unref(m);
        bus.check("ask logind whether a session is idle", code);
    }

    template <class... Args>
    void order(const std::string& id, const char* doing, const char* method, const char* types, Args... args) {
        sd_bus_message* m = nullptr;
        int code = sd_bus_message_new_method_call(bus.get(), &m, service, manager_path, manager, method);
        if (code >= 0) {
            code = sd_bus_message_append(m, types, args...);
        }
        if (code >= 0) {
            code = bus.call(m, &Impl::on_done, Order{this, id, doing});
        }
        sd_bus_message_unref(m);
        bus.check(doing, code);
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

void Logind::ask_idle_hint(const std::string& id, std::function<void(Span)> then) {
    impl_->ask_idle_hint(id, std::move(then));
}

void Logind::kill_all(const std::string& id) {
    impl_->order(id, ending, "KillSession", "ssi", id.c_str(), "all", static_cast<std::int32_t>(SIGKILL));
}

} // namespace sesslimit::logind
