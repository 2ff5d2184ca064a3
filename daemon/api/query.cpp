// SPDX-License-Identifier: MIT
#include "daemon/api/query.hpp"

#include "common/text.hpp"
#include "daemon/api/errors.hpp"
#include "daemon/api/message.hpp"
#include "daemon/api/outcome.hpp"
#include "daemon/api/view.hpp"
#include "daemon/bus/connection.hpp"
#include "daemon/policy/explain.hpp"
#include "daemon/policy/resolve.hpp"

#include <algorithm>
#include <iterator>

namespace sesslimit::api {
namespace {

/// Maximum number of sessions in the reply to ListSessions. Even large hosts have fewer sessions. A reply with this
/// number of sessions is smaller than the maximum message size of the bus.
constexpr std::size_t max_listed = 10000;

/// Sends a reply to which `append_values` appends the values.
template <class Append>
int reply(sd_bus_message* call, const Append& append_values) {
    sd_bus_message* raw = nullptr;
    int code = sd_bus_message_new_method_return(call, &raw);
    const bus::Message made(raw);
    code = code < 0 ? code : append_values(raw);
    return code < 0 ? code : sd_bus_message_send(raw);
}

Properties view(const core::Session& session, const policy::Policy& policy, Backend& backend, uid_t caller) {
    return properties(session, resolve(policy, session.login), backend.terminal_snapshot(session), backend.moment(),
                      visibility_of(caller, session));
}

int append_sessions(sd_bus_message* m, const core::State& state, const policy::Policy& policy, Backend& backend,
                    uid_t caller) {
    int code = sd_bus_message_open_container(m, 'a', "a{sv}");
    std::size_t listed = 0;
    for (const auto& [key, session] : state.sessions()) {
        if (code >= 0 && is_listed(session) && listed++ < max_listed) {
            code = append(m, view(session, policy, backend, caller));
        }
    }
    return code < 0 ? code : sd_bus_message_close_container(m);
}

int append_idle_times(sd_bus_message* m, Backend& backend, const core::Session& session) {
    const IdleTimes idle = idle_times(session, resolve(backend.policy(), session.login),
                                      backend.terminal_snapshot(session), backend.moment());
    return sd_bus_message_append(m, "(stts)", id_of(session).c_str(), idle.since, idle.ends_at,
                                 std::string(idle.last_activity).c_str());
}

} // namespace

int reply_sessions(sd_bus_message* call, Backend& backend, uid_t caller) {
    return reply(call, [&](sd_bus_message* m) {
        return append_sessions(m, backend.state(), backend.policy(), backend, caller);
    });
}

int reply_session(sd_bus_message* call, Backend& backend, uid_t caller, const std::string& id) {
    const core::Session* session = find(backend.state(), id);
    if (session == nullptr) {
        return reply_no_such_session(call, id);
    }
    Properties all = view(*session, backend.policy(), backend, caller);
    std::ranges::move(termination_preview_properties(backend.termination_preview(*session),
                                                     resolve(backend.policy(), session->login)),
                      std::back_inserter(all));
    return reply(call, [&](sd_bus_message* m) { return append(m, all); });
}

int reply_idle_times(sd_bus_message* call, Backend& backend, const std::vector<std::string>& ids) {
    return reply(call, [&](sd_bus_message* m) {
        int code = sd_bus_message_open_container(m, 'a', "(stts)");
        for (const std::string& id : ids) {
            if (const core::Session* session = find(backend.state(), id); session != nullptr && code >= 0) {
                code = append_idle_times(m, backend, *session);
            }
        }
        return code < 0 ? code : sd_bus_message_close_container(m);
    });
}

int reply_explanation(sd_bus_message* call, Backend& backend, const Login& login) {
    const std::string outcome = expected_outcome(backend.state(), backend.policy(), login, backend.moment().now).text;
    return reply(call, [&](sd_bus_message* m) { return append(m, policy::explain(backend.policy(), login), outcome); });
}

int reply_session_explanation(sd_bus_message* call, Backend& backend, uid_t caller, const std::string& id) {
    const core::Session* session = find(backend.state(), id);
    if (session == nullptr) {
        return reply_no_such_session(call, id);
    }
    if (visibility_of(caller, *session) != Visibility::owner) {
        return reply_error(call, SD_BUS_ERROR_ACCESS_DENIED, "Only root and the user of the session may explain it.");
    }
    const std::string outcome = session_outcome(*session, resolve(backend.policy(), session->login),
                                                backend.terminal_snapshot(*session), backend.moment());
    return reply(
        call, [&](sd_bus_message* m) { return append(m, policy::explain(backend.policy(), session->login), outcome); });
}

int reply_defaults(sd_bus_message* call, Backend& backend) {
    return reply(call, [&](sd_bus_message* m) { return append(m, policy::explain_defaults(backend.policy())); });
}

int reply_policy_preview(sd_bus_message* call, Backend& backend, uid_t caller, const policy::Policy& changed,
                         const std::string& session) {
    const PolicyPreview preview = preview_of(backend.state(), backend.policy(), changed, session, backend.moment().now);
    return reply(call, [&](sd_bus_message* m) {
        const int code = append_sessions(m, preview.state, changed, backend, caller);
        return code < 0 ? code : sd_bus_message_append(m, "s", preview.denial.c_str());
    });
}

int reply_no_such_session(sd_bus_message* call, const std::string& id) {
    return reply_error(call, error_no_such_session, "Session " + escape_for_display(id, 64) + " does not exist.");
}

} // namespace sesslimit::api
