// SPDX-License-Identifier: MIT
#include "tests/ctl/fakes.hpp"

#include "common/user_ref.hpp"

#include <algorithm>
#include <functional>

namespace sesslimit::test {
namespace {

using ctl::Failure;
using ctl::Session;

std::unexpected<Failure> no_session(const std::string& id) {
    return std::unexpected(Failure{Failure::Kind::no_such_session, "no session \"" + id + "\""});
}

std::unexpected<Failure> not_yours() {
    return std::unexpected(Failure{Failure::Kind::not_allowed, "only root may"});
}

} // namespace

Session alices_session(const std::string& id) {
    Session session;
    session.id = id;
    session.key = 7;
    session.user = "alice";
    session.uid = 1000;
    session.state = "active";
    session.service = "sshd";
    session.terminals = {"pts/0"};
    session.origin = "192.0.2.7";
    session.scope = "session-" + id + ".scope";
    session.leader = 4711;
    session.since = noon - 2 * hour;
    session.idle_since = noon - 3 * minute;
    session.max_duration = 8 * hour;
    session.idle_timeout = 15 * minute;
    session.activity_sources = {"input", "network"};
    session.last_activity = "input";
    session.duration_ends_at = noon + 6 * hour;
    session.idle_ends_at = noon + 12 * minute;
    session.mode = "enforce";
    return session;
}

ctl::Answer<std::vector<Session>> FakeRemote::list() {
    if (failure) {
        return std::unexpected(*failure);
    }
    return sessions;
}

ctl::Answer<Session> FakeRemote::session(const std::string& id) {
    const auto found = std::ranges::find(sessions, id, &Session::id);
    if (failure || found == sessions.end()) {
        return failure ? std::unexpected(*failure) : no_session(id);
    }
    return *found;
}

std::vector<std::string> FakeRemote::end_if(const std::function<bool(const Session&)>& wanted) {
    std::vector<std::string> ids;
    std::erase_if(sessions, [&](const Session& one) {
        if (wanted(one)) {
            ids.push_back(one.id);
        }
        return wanted(one);
    });
    return ids;
}

ctl::Answer<> FakeRemote::end_session(const std::string& id, const std::string& to_user) {
    message = to_user;
    const auto found = session(id);
    if (!found) {
        return std::unexpected(found.error());
    }
    if (protected_users.contains(found->user)) {
        return not_yours();
    }
    std::erase_if(sessions, [&](const Session& one) { return one.id == id; });
    return {};
}

ctl::Answer<std::vector<std::string>> FakeRemote::end_user(const std::string& user, const std::string& to_user) {
    message = to_user;
    if (failure || protected_users.contains(user)) {
        return failure ? std::unexpected(*failure) : not_yours();
    }
    const UserRef ref = parse_user_ref(user).value();
    return end_if([&](const Session& one) { return refers_to(ref, one.user, one.uid); });
}

ctl::Answer<std::vector<std::string>> FakeRemote::end_credential(const std::string& fingerprint,
                                                                 const std::string& to_user) {
    message = to_user;
    if (failure) {
        return std::unexpected(*failure);
    }
    return end_if([&](const Session& one) { return one.credential == fingerprint; });
}

ctl::Answer<ctl::Explanation> FakeRemote::explain(const ctl::ExplainQuery& question) {
    asked_about = question;
    if (failure) {
        return std::unexpected(*failure);
    }
    return explanation;
}

ctl::Answer<> FakeRemote::reload() {
    ++reloads;
    if (!failure && on_reload) {
        on_reload();
    }
    return failure ? ctl::Answer<>(std::unexpected(*failure)) : ctl::Answer<>();
}

ctl::Answer<ctl::PolicyPreview> FakeRemote::preview(const std::string&, const std::string&,
                                                    const std::string& session) {
    if (failure) {
        return std::unexpected(*failure);
    }
    return on_preview ? on_preview(session) : ctl::PolicyPreview{sessions, {}};
}

ctl::Answer<ctl::Status> FakeRemote::status() {
    if (failure) {
        return std::unexpected(*failure);
    }
    return state;
}

ctl::Answer<> FakeRemote::watch(const Watcher& watcher) {
    std::ranges::for_each(events, watcher.event);
    return failure ? ctl::Answer<>(std::unexpected(*failure)) : ctl::Answer<>();
}

std::string FakeRemote::left() const {
    std::string ids;
    for (const Session& session : sessions) {
        ids += (ids.empty() ? "" : " ") + session.id;
    }
    return ids;
}

} // namespace sesslimit::test
