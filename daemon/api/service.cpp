// SPDX-License-Identifier: MIT
#include "daemon/api/service.hpp"

#include "common/text.hpp"
#include "common/user_ref.hpp"
#include "daemon/api/authority.hpp"
#include "daemon/api/end_request.hpp"
#include "daemon/api/errors.hpp"
#include "daemon/api/message.hpp"
#include "daemon/api/preview_request.hpp"
#include "daemon/api/query.hpp"
#include "daemon/bus/connection.hpp"
#include "daemon/policy/match.hpp"
#include "daemon/policy/resolve.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <utility>

namespace sesslimit::api {
namespace {

constexpr const char* bus_name = "org.sesslimit1";
constexpr const char* object = "/org/sesslimit1";
constexpr const char* interface = "org.sesslimit1.Manager";
constexpr const char* may_end = "org.sesslimit1.end-session";
constexpr const char* may_reload = "org.sesslimit1.reload";

constexpr std::size_t max_problems_length = 32768;

} // namespace

struct Service::Impl {
    Backend* backend = nullptr; ///< set by open()
    std::function<void(Error)> failed;
    std::function<void()> published; ///< set by open()
    bus::Connection bus;
    Authority authority;

    Impl(sd_event* loop, std::function<void(Error)> report)
        : failed(std::move(report)), bus(loop, "sesslimitd-api", SD_EVENT_PRIORITY_IDLE,
                                         {.connected = [this](sd_bus* on) { return publish(on); },
                                          .failed = [this](Error error) { failed(std::move(error)); }}),
          authority(bus) {}

    int publish(sd_bus* on) {
        const int code = sd_bus_add_object_vtable(on, nullptr, object, interface, vtable.data(), this);
        return code < 0 ? code : sd_bus_request_name_async(on, nullptr, bus_name, 0, &Impl::on_name, this);
    }

    static int on_name(sd_bus_message* answer, void* data, sd_bus_error*) {
        const auto& self = *static_cast<Impl*>(data);
        if (sd_bus_message_is_method_error(answer, nullptr) > 0) {
            self.failed(bus::error_of("request the name org.sesslimit1", answer));
        }
        self.published();
        return 0;
    }

    // Reading

    static int list_sessions(sd_bus_message* call, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        return self.authority.identify(call, [&self](sd_bus_message* m, const Caller& caller) {
            self.answered(reply_sessions(m, *self.backend, caller.uid));
        });
    }

    static int get_session(sd_bus_message* call, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        std::string id;
        if (read_text(call, id) < 0) {
            return reply_error(call, error_bad_argument, "Invalid session ID.");
        }
        return self.authority.identify(call, [&self, id](sd_bus_message* m, const Caller& caller) {
            self.answered(reply_session(m, *self.backend, caller.uid, id));
        });
    }

    static int list_idle(sd_bus_message* call, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        std::vector<std::string> ids;
        if (read_texts(call, max_idle_ids, ids) < 0) {
            return reply_error(call, error_bad_argument,
                               "Invalid session IDs; expected at most " + std::to_string(max_idle_ids) + ".");
        }
        return self.answered(reply_idle_times(call, *self.backend, ids));
    }

    static int explain_session(sd_bus_message* call, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        std::string id;
        if (read_text(call, id) < 0) {
            return reply_error(call, error_bad_argument, "Invalid session ID.");
        }
        return self.authority.identify(call, [&self, id](sd_bus_message* m, const Caller& caller) {
            self.answered(reply_session_explanation(m, *self.backend, caller.uid, id));
        });
    }

    static int show_defaults(sd_bus_message* call, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        return self.answered(reply_defaults(call, *self.backend));
    }

    static int explain_login(sd_bus_message* call, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        ExplainQuery question;
        std::string problem;
        if (read_explain_query(call, question, problem) < 0) {
            return reply_error(call, error_bad_argument,
                               problem.empty() ? "Invalid login description." : problem + ".");
        }
        return self.authority.identify(
            call, [&self, question = std::move(question)](sd_bus_message* m, const Caller& caller) {
                self.look_up(m, caller.uid, question);
            });
    }

    void look_up(sd_bus_message* call, uid_t caller, const ExplainQuery& question) {
        // The message of the D-Bus call is stored until the user has been searched in the user database, because the
        // daemon cannot reply before.
        auto kept = std::make_shared<bus::Message>(sd_bus_message_ref(call));
        const std::string asked = question.login.user.empty() ? user_ref_of(question.uid.value()) : question.login.user;
        const auto then = [this, kept, user = escape_for_display(asked)](const std::optional<Login>& login) {
            if (login) {
                answered(reply_explanation(kept->get(), *backend, *login));
            } else {
                reply_error(kept->get(), error_no_such_user, "User " + user + " does not exist.");
            }
        };
        if (!backend->look_up(caller, question, then)) {
            reply_error(call, error_busy, "Too many calls in progress, try again later.");
        }
    }

    // Ending

    static int end_session(sd_bus_message* call, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        const auto request = read_end_request(call);
        if (!request) {
            return reply_error(call, error_bad_argument, request.error().what + ".");
        }
        return self.authority.identify(call, [&self, request = *request](sd_bus_message* m, const Caller& caller) {
            const core::Session* session = find_to_end(self.backend->state(), request.target);
            if (session == nullptr) {
                reply_no_such_session(m, request.target);
                return;
            }
            self.when_allowed(m, caller, session->login.uid, [&self, request, caller](sd_bus_message* allowed) {
                const core::Session* still = find_to_end(self.backend->state(), request.target);
                if (still == nullptr) {
                    reply_no_such_session(allowed, request.target);
                    return;
                }
                core::Requester by = self.requester(caller, still->login.uid);
                by.message = request.message;
                self.backend->end(still->key, by);
                sd_bus_reply_method_return(allowed, nullptr);
            });
        });
    }

    static int end_user(sd_bus_message* call, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        const auto request = read_end_request(call);
        if (!request) {
            return reply_error(call, error_bad_argument, request.error().what + ".");
        }
        const auto ref = parse_user_ref(request->target);
        if (!ref) {
            return reply_error(call, error_bad_argument, user_ref_problem(request->target) + ".");
        }
        return self.authority.identify(
            call, [&self, ref = *ref, message = request->message](sd_bus_message* m, const Caller& caller) {
                const auto wanted = [ref](const core::Session& session) {
                    return refers_to(ref, session.login.user, session.login.uid);
                };
                // The caller needs authorization by polkit, unless all sessions to be terminated belong to the caller.
                bool own = true;
                for (const auto& [key, session] : self.backend->state().sessions()) {
                    own = own && (!wanted(session) || session.login.uid == caller.uid);
                }
                const uid_t owner = own ? caller.uid : 0;
                self.when_allowed(m, caller, owner, [&self, wanted, caller, message](sd_bus_message* allowed) {
                    self.end_all(allowed, caller, wanted, "", message);
                });
            });
    }

    static int end_credential(sd_bus_message* call, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        const auto request = read_end_request(call);
        if (!request) {
            return reply_error(call, error_bad_argument, request.error().what + ".");
        }
        const auto pattern = policy::parse_credential(request->target);
        if (!pattern) {
            return reply_error(call, error_bad_argument,
                               "Invalid credential; expected SHA256:..., cert-id:... or ca:SHA256:...");
        }
        return self.authority.identify(
            call, [&self, pattern, message = request->message](sd_bus_message* m, const Caller& caller) {
                const auto wanted = [pattern](const core::Session& session) {
                    return policy::is_meant(*pattern, session.login.credential);
                };
                self.when_allowed(m, caller, 0, [&self, wanted, caller, message](sd_bus_message* allowed) {
                    self.end_all(allowed, caller, wanted, ", for all sessions opened with the credential", message);
                });
            });
    }

    /// Calls `then` immediately if the caller is root or the owner of the session. For any other caller, calls `then`
    /// only if polkit authorizes the caller.
    void when_allowed(sd_bus_message* call, const Caller& caller, uid_t owner, Authority::Authorized then) {
        if (caller.uid == 0 || caller.uid == owner) {
            return then(call);
        }
        authority.authorize(call, caller.uid, may_end, std::move(then));
    }

    template <class Wanted>
    void end_all(sd_bus_message* call, const Caller& caller, const Wanted& wanted, const std::string& more,
                 const std::string& message) {
        std::vector<std::pair<SessionKey, uid_t>> keys;
        std::vector<std::string> ids;
        for (const auto& [key, session] : backend->state().sessions()) {
            if (core::is_terminable(session) && wanted(session)) {
                keys.emplace_back(key, session.login.uid);
                ids.push_back(id_of(session));
            }
        }
        for (const auto& [key, owner] : keys) {
            core::Requester by = requester(caller, owner);
            by.name += more;
            by.message = message;
            backend->end(key, by);
        }
        sd_bus_message* raw = nullptr;
        int code = sd_bus_message_new_method_return(call, &raw);
        const bus::Message reply(raw);
        code = code < 0 ? code : append(raw, ids);
        answer(code, raw);
    }

    /// Returns the person who requests the termination of a session of the user `owner`, for the message to that user.
    /// If the person has changed the user ID since the login, the name contains both, such as "alice (as root)".
    [[nodiscard]] core::Requester requester(const Caller& caller, uid_t owner) const {
        const uid_t person = caller.login_uid.value_or(caller.uid);
        core::Requester by{.name = name_of(person), .uid = person, .message = {}, .person = name_of(person)};
        if (person != caller.uid) {
            by.name += " (as " + name_of(caller.uid) + ")";
        } else if (person == owner && person != 0) {
            by.name = "its user";
        }
        return by;
    }

    /// Returns the name of a user. It comes from one of the user's own sessions. The user database is not queried,
    /// because a query may block.
    [[nodiscard]] std::string name_of(uid_t user) const {
        if (user == 0) {
            return "root";
        }
        for (const SessionKey key : backend->state().of_user(user)) {
            return backend->state().find(key)->login.user;
        }
        return "UID " + std::to_string(user);
    }

    // The policy

    static int reload(sd_bus_message* call, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        return self.authority.identify(call, [&self](sd_bus_message* m, const Caller& caller) {
            if (caller.uid == 0) {
                return self.take_up(m);
            }
            self.authority.authorize(m, caller.uid, may_reload,
                                     [&self](sd_bus_message* allowed) { self.take_up(allowed); });
        });
    }

    void take_up(sd_bus_message* call) {
        auto kept = std::make_shared<bus::Message>(sd_bus_message_ref(call));
        backend->reload([kept](const Result<>& done) {
            if (done) {
                sd_bus_reply_method_return(kept->get(), nullptr);
            } else {
                reply_error(kept->get(), error_policy_rejected, done.error().what.substr(0, max_problems_length));
            }
        });
    }

    static int preview_policy(sd_bus_message* call, void* data, sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        auto request = read_preview_request(call);
        if (!request) {
            return reply_error(call, error_bad_argument, request.error().what + ".");
        }
        return self.authority.identify(
            call, [&self, request = *std::move(request)](sd_bus_message* m, const Caller& caller) {
                if (caller.uid != 0) {
                    reply_error(m, SD_BUS_ERROR_ACCESS_DENIED, "Only root may preview a change of the policy.");
                    return;
                }
                auto kept = std::make_shared<bus::Message>(sd_bus_message_ref(m));
                self.backend->load_changed(
                    request.file, request.text,
                    [&self, kept, session = request.session](const Result<policy::Policy>& changed) {
                        if (changed) {
                            self.answered(reply_policy_preview(kept->get(), *self.backend, 0, *changed, session));
                        } else {
                            reply_error(kept->get(), error_policy_rejected,
                                        changed.error().what.substr(0, max_problems_length));
                        }
                    });
            });
    }

    // Properties

    static int get_property(sd_bus*, const char*, const char*, const char* name, sd_bus_message* reply, void* data,
                            sd_bus_error*) {
        auto& self = *static_cast<Impl*>(data);
        if (std::strcmp(name, "Version") == 0) {
            return sd_bus_message_append(reply, "s", SESSLIMIT_VERSION);
        }
        if (std::strcmp(name, "Now") == 0) {
            const auto [now, wall_offset] = self.backend->moment();
            const Duration since_epoch = now.time_since_epoch() + wall_offset;
            return sd_bus_message_append(reply, "t", static_cast<std::uint64_t>(since_epoch.count()));
        }
        const Status status = self.backend->status();
        if (std::strcmp(name, "PolicyProblems") == 0) {
            return append(reply, status.policy_problems);
        }
        if (std::strcmp(name, "PolicyDigest") == 0) {
            return sd_bus_message_append(reply, "s", status.policy_digest.c_str());
        }
        if (std::strcmp(name, "PolicyDirectory") == 0) {
            return sd_bus_message_append(reply, "s", as_utf8(status.policy_directory).c_str());
        }
        if (std::strcmp(name, "PolicyState") == 0) {
            return sd_bus_message_append(reply, "s", status.policy.c_str());
        }
        if (std::strcmp(name, "PolicySince") == 0) {
            const Duration since = status.policy_since.time_since_epoch() + self.backend->moment().wall_offset;
            return sd_bus_message_append(reply, "t", static_cast<std::uint64_t>(since.count()));
        }
        if (std::strcmp(name, "Sessions") == 0) {
            return sd_bus_message_append(reply, "u", static_cast<std::uint32_t>(self.backend->state().counted()));
        }
        return sd_bus_message_append(reply, "b", static_cast<int>(status.recording));
    }

    // Answers

    /// Reports an error that occurred while a message was composed or sent. Returns the return value of a handler of a
    /// D-Bus method that has replied.
    int answered(int code) const {
        if (code < 0 && code != -ENOTCONN && code != -ECONNRESET) {
            bus.check("reply to a D-Bus call", code);
        }
        return 1;
    }

    void answer(int code, sd_bus_message* reply) const { answered(code < 0 ? code : sd_bus_message_send(reply)); }

    void emit(const char* name, const Properties& about) {
        sd_bus_message* raw = nullptr;
        int code =
            bus.get() == nullptr ? -ENOTCONN : sd_bus_message_new_signal(bus.get(), &raw, object, interface, name);
        const bus::Message signal(raw);
        code = code < 0 ? code : append(raw, about);
        answer(code, raw);
    }

    static const std::array<sd_bus_vtable, 30> vtable;
};

// The bus permits every user to call the methods (SD_BUS_VTABLE_UNPRIVILEGED), because each method checks the
// authorization of its caller.
const std::array<sd_bus_vtable, 30> Service::Impl::vtable{{
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("ListSessions", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", sessions), &Impl::list_sessions,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetSession", SD_BUS_ARGS("s", id), SD_BUS_RESULT("a{sv}", session), &Impl::get_session,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListIdle", SD_BUS_ARGS("as", ids), SD_BUS_RESULT("a(stts)", sessions), &Impl::list_idle,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("EndSession", SD_BUS_ARGS("s", id, "a{sv}", options), SD_BUS_NO_RESULT, &Impl::end_session,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("EndUser", SD_BUS_ARGS("s", user, "a{sv}", options), SD_BUS_RESULT("as", sessions),
                            &Impl::end_user, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("EndCredential", SD_BUS_ARGS("s", fingerprint, "a{sv}", options),
                            SD_BUS_RESULT("as", sessions), &Impl::end_credential, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS(
        "Explain", SD_BUS_ARGS("a{sv}", login),
        SD_BUS_RESULT("b", counts, "s", why, "a(sssssu)", settings, "a(ssssub)", rules, "s", outcome),
        &Impl::explain_login, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS(
        "ExplainSession", SD_BUS_ARGS("s", id),
        SD_BUS_RESULT("b", counts, "s", why, "a(sssssu)", settings, "a(ssssub)", rules, "s", outcome),
        &Impl::explain_session, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Defaults", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sssssu)", settings), &Impl::show_defaults,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, &Impl::reload, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("PreviewPolicy", SD_BUS_ARGS("s", file, "s", text, "s", session),
                            SD_BUS_RESULT("aa{sv}", sessions, "s", denial), &Impl::preview_policy,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Version", "s", &Impl::get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("PolicyState", "s", &Impl::get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("PolicyProblems", "as", &Impl::get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("PolicyDigest", "s", &Impl::get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("PolicyDirectory", "s", &Impl::get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("PolicySince", "t", &Impl::get_property, 0, 0),
    SD_BUS_PROPERTY("Sessions", "u", &Impl::get_property, 0, 0),
    SD_BUS_PROPERTY("Recording", "b", &Impl::get_property, 0, 0),
    SD_BUS_PROPERTY("Now", "t", &Impl::get_property, 0, 0),
    SD_BUS_SIGNAL_WITH_ARGS("SessionOpened", SD_BUS_ARGS("a{sv}", session), 0),
    SD_BUS_SIGNAL_WITH_ARGS("SessionDenied", SD_BUS_ARGS("a{sv}", session), 0),
    SD_BUS_SIGNAL_WITH_ARGS("SessionWarned", SD_BUS_ARGS("a{sv}", session), 0),
    SD_BUS_SIGNAL_WITH_ARGS("SessionKept", SD_BUS_ARGS("a{sv}", session), 0),
    SD_BUS_SIGNAL_WITH_ARGS("SessionLocked", SD_BUS_ARGS("a{sv}", session), 0),
    SD_BUS_SIGNAL_WITH_ARGS("SessionEnding", SD_BUS_ARGS("a{sv}", session), 0),
    SD_BUS_SIGNAL_WITH_ARGS("SessionEnded", SD_BUS_ARGS("a{sv}", session), 0),
    SD_BUS_SIGNAL_WITH_ARGS("PolicyChanged", SD_BUS_ARGS("s", state), 0),
    SD_BUS_VTABLE_END,
}};

Service::Service(sd_event* loop, std::function<void(Error)> failed)
    : impl_(std::make_unique<Impl>(loop, std::move(failed))) {}

Service::~Service() = default;

std::span<const sd_bus_vtable> Service::members() {
    return Impl::vtable;
}

void Service::open(Backend& backend, std::function<void()> published) {
    impl_->backend = &backend;
    impl_->published = std::move(published);
    impl_->bus.open();
}

void Service::emit(const core::Notice& notice) {
    if (impl_->backend == nullptr) {
        return;
    }
    if (const auto name = signal_of(notice)) {
        Backend& backend = *impl_->backend;
        const bool is_there = backend.state().find(notice.session.key) != nullptr;
        impl_->emit(name->c_str(), signal_properties(notice, resolve(backend.policy(), notice.session.login),
                                                     is_there ? backend.terminal_snapshot(notice.session)
                                                              : inspect::TerminalSnapshot{},
                                                     backend.moment()));
    }
}

void Service::emit_policy(const std::string& state) {
    sd_bus* bus = impl_->bus.get();
    if (bus != nullptr) {
        (void)sd_bus_emit_signal(bus, object, interface, "PolicyChanged", "s", state.c_str());
        (void)sd_bus_emit_properties_changed(bus, object, interface, "PolicyState", "PolicyProblems", "PolicyDigest",
                                             nullptr);
    }
}

void Service::emit_policy_problems() {
    if (sd_bus* bus = impl_->bus.get(); bus != nullptr) {
        (void)sd_bus_emit_properties_changed(bus, object, interface, "PolicyProblems", nullptr);
    }
}

} // namespace sesslimit::api
