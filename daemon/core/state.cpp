// SPDX-License-Identifier: MIT
#include "daemon/core/state.hpp"

#include <algorithm>

namespace sesslimit::core {

const Session* State::find(SessionKey key) const {
    const auto at = sessions_.find(key);
    return at == sessions_.end() ? nullptr : &at->second;
}

const Session* State::by_logind(const std::string& id) const {
    const auto at = logind_ids_.find(id);
    return at == logind_ids_.end() ? nullptr : find(at->second);
}

const Session* State::by_request(RequestId request) const {
    for (const SessionKey key : requesting_) {
        if (const Session* session = find(key); session != nullptr && session->request == request) {
            return session;
        }
    }
    return nullptr;
}

const Session* State::by_leader(const Leader& leader, std::optional<uid_t> user) const {
    const Session* youngest = nullptr;
    const auto [begin, end] = leaders_.equal_range(leader.pid);
    for (auto at = begin; at != end; ++at) {
        const Session* session = find(at->second);
        if (session != nullptr && may_be_same(leader, session->leader) &&
            session->login.uid == user.value_or(session->login.uid) &&
            (youngest == nullptr || session->key > youngest->key)) {
            youngest = session;
        }
    }
    return youngest;
}

const std::set<SessionKey>& State::of_user(uid_t uid) const {
    static const std::set<SessionKey> nobody;
    const auto at = users_.find(uid);
    return at == users_.end() ? nobody : at->second.keys;
}

std::size_t State::counted(uid_t uid) const {
    const auto at = users_.find(uid);
    return at == users_.end() ? 0 : at->second.counted;
}

std::size_t State::counted(policy::SourceId rule) const {
    const auto at = shared_counts_.find(rule);
    return at == shared_counts_.end() ? 0 : at->second;
}

const Displacements& State::displacements_of(uid_t uid) const {
    static const Displacements none;
    const auto at = displacements_.find(uid);
    return at == displacements_.end() ? none : at->second;
}

void State::put(const PutDisplacements& record) {
    displacements_.insert_or_assign(record.uid, record.displacements);
    if (displacements_.size() > max_displaced_users) {
        const auto forgotten_at = [](const auto& one) { return one.second.forgotten_at(); };
        displacements_.erase(std::ranges::min_element(displacements_, {}, forgotten_at));
    }
}

const Session* State::next_due() const {
    return deadlines_.empty() ? nullptr : find(deadlines_.begin()->second);
}

void State::give_keys_from(SessionKey key) {
    next_key_ = std::max(next_key_, key);
}

void State::put(const Session& session) {
    const auto [at, is_new] = sessions_.try_emplace(session.key);
    if (!is_new) {
        leave(at->second);
    }
    at->second = session;
    enter(at->second);
    give_keys_from(SessionKey{static_cast<std::uint64_t>(session.key) + 1});
}

void State::drop(SessionKey key) {
    if (const auto at = sessions_.find(key); at != sessions_.end()) {
        leave(at->second);
        sessions_.erase(at);
    }
}

void State::enter(const Session& session) {
    User& user = users_[session.login.uid];
    user.keys.insert(session.key);
    if (occupies_slot(session)) {
        ++user.counted;
        ++counted_;
        for (const policy::SourceId rule : session.shared_limits) {
            ++shared_counts_[rule];
        }
    }
    claims_ += session.fleet_claim == FleetClaim::none ? 0 : 1;
    if (session.leader.pid != 0) {
        leaders_.emplace(session.leader.pid, session.key);
    }
    if (!session.logind_id.empty()) {
        logind_ids_[session.logind_id] = session.key;
    }
    if (session.due != never) {
        deadlines_.emplace(session.due, session.key);
    }
    if (session.request != RequestId::none) {
        requesting_.insert(session.key);
    }
}

void State::leave(const Session& session) {
    const auto user = users_.find(session.login.uid);
    user->second.keys.erase(session.key);
    claims_ -= session.fleet_claim == FleetClaim::none ? 0 : 1;
    if (occupies_slot(session)) {
        --user->second.counted;
        --counted_;
        for (const policy::SourceId rule : session.shared_limits) {
            if (const auto total = shared_counts_.find(rule); total != shared_counts_.end() && --total->second == 0) {
                shared_counts_.erase(total);
            }
        }
    }
    if (user->second.keys.empty()) {
        users_.erase(user);
    }
    const auto [begin, end] = leaders_.equal_range(session.leader.pid);
    for (auto at = begin; at != end; ++at) {
        if (at->second == session.key) {
            leaders_.erase(at);
            break;
        }
    }
    if (const auto at = logind_ids_.find(session.logind_id); at != logind_ids_.end() && at->second == session.key) {
        logind_ids_.erase(at);
    }
    deadlines_.erase({session.due, session.key});
    requesting_.erase(session.key);
}

void apply(State& state, const Decision& decision) {
    for (const Record& record : decision.records) {
        if (const auto* put = std::get_if<Put>(&record)) {
            state.put(put->session);
        } else if (const auto* drop = std::get_if<Drop>(&record)) {
            state.drop(drop->session);
        } else if (const auto* fleet = std::get_if<PutFleetState>(&record)) {
            state.put(*fleet);
        } else {
            state.put(std::get<PutDisplacements>(record));
        }
    }
}

} // namespace sesslimit::core
