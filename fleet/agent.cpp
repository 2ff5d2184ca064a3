// SPDX-License-Identifier: MIT
#include "fleet/agent.hpp"

#include <algorithm>
#include <utility>

namespace sesslimit::fleet {
namespace {

Transaction get(KeyRange keys, std::int64_t limit = 0) {
    Transaction whole;
    whole.success = {Get{std::move(keys), limit}};
    return whole;
}

} // namespace

Agent::Agent(Settings settings, Effects& effects)
    : settings_(std::move(settings)), keys_(settings_.fleet, settings_.host), effects_(effects),
      random_(settings_.seed) {}

void Agent::start(BootTime now) {
    go_on(now, Step::read_host);
}

// --- Requests of the daemon ----------------------------------------------------------------------------------------

void Agent::claim(BootTime now, Session session) {
    const std::uint64_t key = session.key;
    const auto [place, is_new] = entries_.try_emplace(key);
    Entry& entry = place->second;
    if (!is_new) {
        // The daemon repeats a claim whose answer it has not received.
        if (entry.state == State::held) {
            answer(key, entry, {.outcome = Answer::Outcome::granted});
        } else if (entry.state != State::claiming) {
            answer(key, entry, {});
        }
        return;
    }
    entry.session = std::move(session);
    entry.listed = true;
    if (down_ || refused_) {
        entry.state = State::owed;
        effects_.answer(key, {});
        return;
    }
    entry.answer_by = after(now, answer_timeout);
    active_.insert(key);
    pump(now);
}

void Agent::release(BootTime now, std::uint64_t session) {
    const auto found = entries_.find(session);
    if (found == entries_.end()) {
        return;
    }
    Entry& entry = found->second;
    if (entry.call == 0) {
        entry.claim.reset();
    }
    entry.state = State::releasing;
    entry.retry_at = now;
    entry.answer_by = never;
    active_.insert(session);
    pump(now);
}

void Agent::begin_list() {
    for (auto& [key, entry] : entries_) {
        entry.listed = false;
    }
}

void Agent::add_listed(Session session) {
    session.enforced = false;
    const std::uint64_t key = session.key;
    const auto [place, is_new] = entries_.try_emplace(key);
    Entry& entry = place->second;
    entry.listed = true;
    if (is_new) {
        entry.session = std::move(session);
        entry.state = State::owed;
    }
}

void Agent::end_list(BootTime now) {
    std::vector<std::uint64_t> ended;
    for (const auto& [key, entry] : entries_) {
        if (!entry.listed && entry.state != State::releasing) {
            ended.push_back(key);
        }
    }
    listed_ = true;
    sync_at_ = now;
    for (const std::uint64_t key : ended) {
        release(now, key);
    }
    pump(now);
}

void Agent::leave(BootTime now) {
    left_ = true;
    go_down("the host leaves the fleet");
    go_on(now, Step::revoke);
    pump(now);
}

// --- Time ----------------------------------------------------------------------------------------------------------

BootTime Agent::soon(BootTime now, Duration pause) {
    std::uniform_int_distribution<Duration::rep> jitter(0, pause.count() / 2);
    return after(now, pause + Duration(jitter(random_)));
}

BootTime Agent::deadline() const {
    BootTime next = control_.call == 0 ? control_.next : never;
    if (control_.call == 0 && control_.next == never && !left_) {
        next = std::min(keep_alive_at_, listed_ ? sync_at_ : never);
    }
    const bool admits = synced_ && !is_recording();
    for (const std::uint64_t key : active_) {
        const Entry& entry = entries_.at(key);
        next = std::min(next, entry.answer_by);
        if (may_call(entry, admits)) {
            next = std::min(next, entry.retry_at);
        }
    }
    return next;
}

/// Returns true if sessions that exist on this host are being recorded. New logins wait until this is done.
bool Agent::is_recording() const {
    return std::ranges::any_of(active_,
                               [this](std::uint64_t key) { return entries_.at(key).state == State::repairing; });
}

/// Returns true if a call about the session may be sent as soon as its retry time has come. `admits` is true if new
/// logins need not wait.
bool Agent::may_call(const Entry& entry, bool admits) const {
    return entry.call == 0 && lease_ != 0 && !down_ && calls_.size() < max_calls &&
           (admits || entry.state != State::claiming);
}

void Agent::on_time(BootTime now) {
    give_answers(now);
    pump(now);
}

/// Answers the claims whose time has expired.
void Agent::give_answers(BootTime now) {
    const std::set<std::uint64_t> active = active_;
    for (const std::uint64_t key : active) {
        Entry& entry = entries_.at(key);
        if (entry.answer_by <= now && failing_since_ != never) {
            note_unreachable(now);
        }
        if (entry.answer_by <= now || ((down_ || refused_) && entry.answer_by != never)) {
            answer(key, entry, {});
        }
    }
}

/// Answers the claim of a session. A session whose claim has failed stays owed until the daemon releases it.
void Agent::answer(std::uint64_t key, Entry& entry, const Answer& answer) {
    entry.answer_by = never;
    if (entry.state == State::claiming && answer.outcome == Answer::Outcome::unknown) {
        entry.state = State::owed;
        entry.session.enforced = false;
        active_.erase(key);
    }
    effects_.answer(key, answer);
}

/// Starts all calls that are due.
void Agent::pump(BootTime now) {
    if (control_.call == 0 && control_.next == never && !left_) {
        if (keep_alive_at_ <= now) {
            control_.step = Step::keep_alive;
            control_.next = now;
        } else if (listed_ && sync_at_ <= now) {
            read_ = {};
            control_.step = Step::read_records;
            control_.next = now;
        }
    }
    if (control_.call == 0 && control_.next <= now) {
        send_control(now);
    }
    const bool admits = synced_ && !is_recording();
    for (const std::uint64_t key : active_) {
        Entry& entry = entries_.at(key);
        if (entry.retry_at <= now && may_call(entry, admits)) {
            send(key, entry);
        }
    }
}

// --- Calls ---------------------------------------------------------------------------------------------------------

std::uint64_t Agent::send(const Call& call) {
    effects_.call(++last_call_, call);
    return last_call_;
}

void Agent::send(std::uint64_t key, Entry& entry) {
    if (entry.state == State::releasing) {
        SessionRecord record = entry.session.record;
        record.slot = entry.slot;
        entry.call = send(entry.slot != 0 ? fleet::release(keys_, key, record) : get({keys_.session(key), {}}));
    } else {
        if (!entry.claim) {
            entry.claim.emplace(keys_, entry.session, lease_);
        }
        entry.call = send(entry.claim->transaction());
    }
    calls_[entry.call] = key;
}

void Agent::on_reply(BootTime now, std::uint64_t id, const CallResult& result) {
    if (const auto* failure = std::get_if<CallFailure>(&result);
        failure != nullptr && failure->kind == CallFailure::Kind::unavailable) {
        note_failure(now, failure->what);
    } else {
        note_success();
    }
    if (id == control_.call) {
        control_.call = 0;
        on_control(now, result);
    } else if (const auto call = calls_.find(id); call != calls_.end()) {
        const std::uint64_t key = call->second;
        calls_.erase(call);
        const auto entry = entries_.find(key);
        if (entry != entries_.end() && entry->second.call == id) {
            entry->second.call = 0;
            on_session_reply(now, key, entry->second, result);
        }
    }
    give_answers(now);
    pump(now);
}

void Agent::note_success() {
    failing_since_ = never;
    down_ = false;
}

void Agent::note_failure(BootTime now, const std::string& what) {
    failing_since_ = std::min(failing_since_, now);
    failure_ = what;
    if (now - failing_since_ >= answer_timeout) {
        note_unreachable(now);
    }
}

/// Enters the state in which logins do not wait for the store. The store is called once a second.
void Agent::note_unreachable(BootTime now) {
    if (std::exchange(down_, true)) {
        return;
    }
    go_down(failure_);
    if (control_.call == 0 && control_.next == never) {
        go_on(soon(now, down_retry), Step::keep_alive);
    }
}

void Agent::go_down(const std::string& reason) {
    synced_ = false; // The sessions of this time are recorded before new logins are admitted.
    if (std::exchange(reported_up_, false)) {
        effects_.state_changed(false, reason);
    }
}

void Agent::lose_lease(BootTime now) {
    lease_ = 0;
    keep_alive_at_ = never;
    for (const std::uint64_t key : active_) {
        entries_.at(key).claim.reset();
    }
    go_down("the lease of the host has expired");
    go_on(soon(now, quick_retry), Step::read_host);
}

// --- Sessions ------------------------------------------------------------------------------------------------------

void Agent::on_session_reply(BootTime now, std::uint64_t key, Entry& entry, const CallResult& result) {
    if (const auto* failure = std::get_if<CallFailure>(&result)) {
        entry.retry_at = soon(now, failure->kind == CallFailure::Kind::rejected ? down_retry : quick_retry);
        if (entry.state == State::releasing) {
            entry.claim.reset();
        }
        if (failure->kind == CallFailure::Kind::no_lease && lease_ != 0) {
            lose_lease(now);
        }
        return;
    }
    const auto* reply = std::get_if<TransactionReply>(&result);
    if (reply == nullptr) {
        return;
    }
    if (entry.claim && entry.state != State::releasing) {
        if (const auto claimed = entry.claim->on_reply(*reply)) {
            on_claimed(now, key, entry, *claimed);
        }
    } else if (entry.claim) {
        // The session has ended during its claim.
        if (const auto claimed = entry.claim->on_reply(*reply);
            claimed && claimed->outcome == Claimed::Outcome::granted) {
            entry.slot = claimed->slot;
        }
        entry.claim.reset();
    } else if (entry.state == State::releasing) {
        on_released(now, key, entry, *reply);
    }
}

void Agent::on_claimed(BootTime now, std::uint64_t key, Entry& entry, const Claimed& claimed) {
    entry.claim.reset();
    switch (claimed.outcome) {
    case Claimed::Outcome::granted: {
        const bool waiting = entry.state == State::claiming;
        entry.state = State::held;
        entry.slot = claimed.slot;
        entry.revision = claimed.revision;
        active_.erase(key);
        if (!entry.session.enforced && entry.slot > entry.session.limit) {
            effects_.over_limit(entry.session);
        }
        if (waiting) {
            answer(key, entry, {.outcome = Answer::Outcome::granted});
        }
        return;
    }
    case Claimed::Outcome::full:
        if (entry.state == State::claiming) {
            effects_.answer(key,
                            {.outcome = Answer::Outcome::full, .count = claimed.count, .holders = claimed.holders});
            active_.erase(key);
            entries_.erase(key);
            return;
        }
        break;
    case Claimed::Outcome::contended:
        break;
    }
    entry.retry_at = soon(now, quick_retry);
}

void Agent::on_released(BootTime now, std::uint64_t key, Entry& entry, const TransactionReply& reply) {
    if (entry.slot == 0 && !reply.found.empty()) {
        const auto record = decode_session(reply.found.front().value);
        if (record && record->user == entry.session.record.user) {
            entry.slot = record->slot;
            entry.session.record.since = record->since;
            entry.retry_at = now;
            return;
        }
    }
    active_.erase(key);
    entries_.erase(key);
}

// --- The lease and the comparison of records -----------------------------------------------------------------------

void Agent::go_on(BootTime now, Step step) {
    control_.step = step;
    // The reply to a call of an earlier step is ignored.
    control_.call = 0;
    control_.next = now;
}

void Agent::finish_control(BootTime now) {
    control_.next = never;
    pump(now);
}

void Agent::send_control(BootTime now) {
    control_.next = never;
    switch (control_.step) {
    case Step::read_host:
        control_.call = send(get({keys_.host_record(), {}}));
        break;
    case Step::check_lease:
    case Step::keep_alive:
        control_.call = send(KeepAlive{lease_});
        keep_alive_at_ = after(now, settings_.host_ttl / 3);
        break;
    case Step::revoke:
        control_.call = send(RevokeLease{lease_});
        break;
    case Step::grant:
        control_.call = send(GrantLease{settings_.host_ttl});
        break;
    case Step::put_host: {
        Transaction whole;
        whole.conditions = {{.keys = {keys_.host_record(), {}},
                             .target = Compare::Target::modified,
                             .relation = Compare::Relation::equal,
                             .number = host_modified_}};
        whole.success = {Put{keys_.host_record(), encode(settings_.record), lease_}};
        control_.call = send(whole);
        break;
    }
    case Step::read_records: {
        KeyRange range = keys_.sessions();
        if (!read_.sessions.empty()) {
            range.first = read_.sessions.back().key + '\0';
        }
        control_.call = send(get(std::move(range), page));
        break;
    }
    case Step::list_lease:
        control_.call = send(ListLease{lease_});
        break;
    }
}

void Agent::on_control(BootTime now, const CallResult& result) {
    if (const auto* failure = std::get_if<CallFailure>(&result)) {
        if (failure->kind == CallFailure::Kind::no_lease && control_.step != Step::revoke) {
            lose_lease(now);
        } else if (failure->kind == CallFailure::Kind::no_lease && !left_) {
            lease_ = 0;
            go_on(now, Step::grant);
        } else if (failure->kind == CallFailure::Kind::no_lease) {
            lease_ = 0;
        } else {
            if (failure->kind == CallFailure::Kind::rejected) {
                refused_ = true;
                go_down(failure->what);
            }
            control_.next = soon(now, down_ || refused_ ? down_retry : quick_retry);
        }
        return;
    }
    const auto* lease = std::get_if<LeaseReply>(&result);
    const auto* reply = std::get_if<TransactionReply>(&result);
    if (lease != nullptr) {
        on_lease(now, *lease);
    } else if (reply != nullptr && control_.step == Step::read_host) {
        on_host_record(now, *reply);
    } else if (reply != nullptr && control_.step == Step::read_records) {
        on_records(now, *reply);
    } else if (reply != nullptr) { // Step::put_host
        if (reply->succeeded.empty() || !reply->succeeded.front()) {
            go_on(soon(now, quick_retry), Step::read_host);
            return;
        }
        sync_at_ = now;
        finish_control(now);
    }
}

void Agent::on_host_record(BootTime now, const TransactionReply& reply) {
    host_modified_ = 0;
    lease_ = 0;
    if (reply.found.empty()) {
        go_on(now, Step::grant);
        return;
    }
    const KeyValue& found = reply.found.front();
    const auto record = decode_host(found.value);
    if (record && record->machine != settings_.record.machine) {
        refused_ = true;
        go_down("the host name " + settings_.host + " is used by the machine " + record->machine);
        control_.next = after(now, sync_interval);
        return;
    }
    lease_ = found.lease;
    if (found.lease == 0) {
        host_modified_ = found.modified;
        go_on(now, Step::grant);
    } else {
        // The lease of an earlier boot belongs to sessions that no longer exist.
        go_on(now, record && record->boot == settings_.record.boot ? Step::check_lease : Step::revoke);
    }
}

void Agent::on_lease(BootTime now, const LeaseReply& reply) {
    switch (control_.step) {
    case Step::revoke:
        lease_ = 0;
        if (!left_) {
            go_on(now, Step::grant);
        }
        return;
    case Step::grant:
        lease_ = reply.lease;
        keep_alive_at_ = after(now, settings_.host_ttl / 3);
        go_on(now, Step::put_host);
        return;
    case Step::list_lease:
        if (reply.ttl.count() > 0) {
            on_lease_list(now, reply);
            return;
        }
        break;
    default: // keep_alive, check_lease
        if (reply.ttl.count() > 0) {
            if (control_.step == Step::check_lease || !synced_) {
                sync_at_ = now;
            }
            finish_control(now);
            return;
        }
        break;
    }
    lose_lease(now);
}

void Agent::on_records(BootTime now, const TransactionReply& reply) {
    if (read_.revision == 0) {
        read_.revision = reply.revision;
    }
    read_.sessions.insert(read_.sessions.end(), reply.found.begin(), reply.found.end());
    const bool more = static_cast<std::int64_t>(reply.found.size()) >= page;
    go_on(now, more ? Step::read_records : Step::list_lease);
}

void Agent::on_lease_list(BootTime now, const LeaseReply& reply) {
    read_.on_lease = reply.keys;
    std::map<std::uint64_t, Tracked> tracked;
    for (const auto& [key, entry] : entries_) {
        const bool busy = entry.call != 0 || active_.contains(key);
        tracked.emplace(
            key,
            Tracked{.user = entry.session.record.user, .slot = entry.slot, .revision = entry.revision, .busy = busy});
    }
    const SyncPlan plan = compare(keys_, std::exchange(read_, {}), tracked, lease_);
    sync_at_ = after(now, sync_interval);
    apply(now, plan);
    synced_ = true;
    refused_ = false;
    if (!std::exchange(reported_up_, true)) {
        effects_.state_changed(true, {});
    }
    finish_control(now);
}

void Agent::apply(BootTime now, const SyncPlan& plan) {
    for (const auto& [key, slot] : plan.found) {
        Entry& entry = entries_.at(key);
        entry.state = State::held;
        entry.slot = slot;
    }
    std::size_t lost = 0;
    for (const SyncPlan::Repair& repair : plan.repair) {
        Entry& entry = entries_.at(repair.session);
        lost += entry.state == State::held ? 1 : 0;
        entry.state = State::repairing;
        entry.session.enforced = false;
        entry.retry_at = now;
        entry.claim.emplace(keys_, entry.session, lease_, repair.previous);
        active_.insert(repair.session);
    }
    if (lost > 0) {
        effects_.repairing(lost);
    }
    // The result of these calls is not needed, because the next comparison repeats them if they were lost.
    std::size_t room = max_calls;
    for (std::size_t at = 0; at < plan.release.size() && room > 0; ++at, --room) {
        send(fleet::release(keys_, plan.release[at].session, plan.release[at].record));
    }
    for (std::size_t at = 0; at < plan.discard.size() && room > 0; ++at, --room) {
        send(plan.discard[at]);
    }
    if (room == 0) {
        sync_at_ = soon(now, down_retry);
    }
}

} // namespace sesslimit::fleet
