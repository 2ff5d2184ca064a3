// SPDX-License-Identifier: MIT
// A restart of the daemon: what the ledger and logind say about the sessions afterwards.
#include "tests/model/host.hpp"

#include "daemon/ledger/codec.hpp"

#include <algorithm>
#include <array>

namespace sesslimit::model {
namespace {

/// Returns the session as it is restored from the ledger.
Session recorded_of(const Session& session) {
    std::array<std::byte, ledger::max_payload> bytes{};
    const auto size = ledger::encode(session, bytes);
    return size ? ledger::decode(std::span(bytes).first(*size)).value_or(Session{}) : Session{};
}

} // namespace

/// The daemon stops and starts again. In the meantime clients lost their connection, time passed, and some processes
/// exited.
void Host::restart(const Step& step) {
    std::vector<Session> recorded;
    for (const auto& [key, session] : world_.state.sessions()) {
        recorded.push_back(recorded_of(session));
    }
    for (auto& [id, request] : requests_) {
        request.gone = true;
    }
    for (std::size_t at = 0; at < processes_.size(); ++at) {
        const std::uint32_t fate = (step.how >> (at % 24)) % 8;
        processes_[at].alive = processes_[at].alive && fate != 0;
        if (fate < 2) {
            processes_[at].logind_id.clear();
        }
    }
    spare_unlimited();
    for (Process& process : processes_) {
        // The ledger does not record a pending logout query, so the session is not terminated.
        const Session* session = world_.find(process.key);
        process.spared = process.spared || (session != nullptr && session->logout_check != LogoutCheck::none);
        process.reason.limit = {}; // not recorded either
    }
    down_ = true;
    down_since_ = world_.now;
    world_.now += std::chrono::seconds(step.more % 120);
    use_unprobed();
    up_since_ = world_.now;
    const SessionKey next = world_.state.next_key();
    world_.state = State();
    world_.claims.clear(); // the daemon lists its sessions, and the fleet releases the others
    verdicts_.clear();
    fleet_down_until_ = world_.now;
    world_.state.give_keys_from(SessionKey{std::to_underlying(next) + 10});
    surprise();
    restore(recorded, step.who % 2 == 1);
    down_ = false;
    check();
}

void Host::restore(const std::vector<Session>& recorded, bool backwards) {
    for (std::size_t at = 0; at < recorded.size(); ++at) {
        feed(SessionRestored{recorded[backwards ? recorded.size() - 1 - at : at]});
    }
    for (const Session& session : recorded) {
        const auto process = std::ranges::find(processes_, session.leader, &Process::leader);
        if (session.leader.pid != 0 && process != processes_.end() && !process->alive) {
            feed(LeaderExited{session.key});
        }
    }
    for (Process& process : processes_) {
        const bool is_unknown = world_.state.by_logind(process.logind_id) == nullptr;
        if (!process.logind_id.empty() && !process.in && is_unknown && counts(process.login) && !process.is_greeter) {
            // To the daemon it is a session that was left behind before the daemon started.
            process.key = world_.state.next_key();
            process.behind = process.dismissed = true;
            process.told = process.left = false;
            process.opened = process.used = world_.now;
        }
        if (!process.logind_id.empty()) {
            feed(LogindSessionNew{{.id = process.logind_id,
                                   .scope = "session-" + process.logind_id + ".scope",
                                   .session_class = process.is_greeter ? "greeter" : "user",
                                   .closing = !process.in,
                                   .leader = process.alive ? process.leader : Leader{},
                                   .opened = process.opened,
                                   .login = process.login}});
        }
    }
    for (const Session& session : recorded) {
        const auto has = std::ranges::find(processes_, session.logind_id, &Process::logind_id);
        if (!session.logind_id.empty() && has == processes_.end()) {
            feed(LogindSessionRemoved{session.logind_id});
        }
    }
}

} // namespace sesslimit::model
