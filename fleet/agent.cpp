// SPDX-License-Identifier: MIT
#include "fleet/agent.hpp"

#include <algorithm>
#include <utility>

namespace sesslimit::fleet {

Agent::Agent(Settings settings, Effects& effects)
    : settings_(std::move(settings)), keys_(settings_.fleet, settings_.host), effects_(effects),
      random_(settings_.seed) {}

void Agent::start(BootTime now) {
    go_on(now, Step::read_host);
}

// --- Requests of the daemon ----------------------------------------------------------------------------------------

/// Returns true if the session is known, or if it is not one too many.
bool Agent::has_room(std::uint64_t key) const {
    return entries_.size() < settings_.max_sessions || entries_.contains(key);
}

void Agent::claim(BootTime now, Session session) {
    const std::uint64_t key = session.key;
    if (!has_room(key)) {
        effects_.answer(key, {});
        return;
    }
    const auto [place, is_new] = entries_.try_emplace(key);
    Entry& entry = place->second;
    entry.listed = true;
    if (!is_new && entry.state != State::releasing) {
        // The daemon repeats a claim whose answer it has not received.
        if (entry.state == State::held) {
            answer(now, key, entry, {.outcome = Answer::Outcome::granted});
        } else if (entry.state != State::claiming) {
            answer(now, key, entry, {});
        }
        return;
    }
    // A session that is being released claims its slot afterwards.
    (is_new ? entry.session : entry.again.emplace()) = std::move(session);
    if (down_ || refused_ || left_) {
        answer(now, key, entry, {});
        return;
    }
    set_answer_by(key, entry, after(now, answer_timeout));
    active_.insert(key);
    pump(now);
}

void Agent::release(BootTime now, std::uint64_t session) {
    const auto found = entries_.find(session);
    if (found == entries_.end()) {
        return;
    }
    Entry& entry = found->second;
    if (left_ && lease_ == 0) { // its records were deleted
        return erase(session);
    }
    if (entry.call == 0) {
        entry.claim.reset();
    }
    set_state(session, entry, State::releasing);
    entry.again.reset();
    entry.retry_at = now;
    set_answer_by(session, entry, never);
    active_.insert(session);
    pump(now);
}

void Agent::begin_list() {
    is_listing_ = true;
    for (auto& [key, entry] : entries_) {
        entry.listed = false;
    }
}

void Agent::add_listed(Session session) {
    session.enforced = false;
    const std::uint64_t key = session.key;
    if (!has_room(key)) {
        return;
    }
    const auto [place, is_new] = entries_.try_emplace(key);
    Entry& entry = place->second;
    entry.listed = true;
    if (is_new) {
        entry.session = std::move(session);
    } else if (entry.state == State::releasing) {
        entry.again = std::move(session);
        set_answer_by(key, entry, never);
    }
    if (entry.state == State::claiming) { // The daemon has admitted the session without an answer.
        owe(key, entry);
    }
}

void Agent::end_list(BootTime now) {
    std::vector<std::uint64_t> ended;
    for (const auto& [key, entry] : entries_) {
        if (!entry.listed && (entry.state != State::releasing || entry.again)) {
            ended.push_back(key);
        }
    }
    listed_ = true;
    is_listing_ = false;
    sync_at_ = now;
    for (const std::uint64_t key : ended) {
        release(now, key);
    }
    pump(now);
}

void Agent::describe_policy(BootTime now, std::string digest) {
    if (digest == settings_.record.policy) {
        return;
    }
    settings_.record.policy = std::move(digest);
    if (lease_ != 0) {
        describe_at_ = now;
        pump(now);
    }
}

void Agent::leave(BootTime now, std::string reason) {
    left_ = true;
    left_reason_ = std::move(reason);
    go_down(left_reason_);
    give_answers(now);
    go_on(now, Step::revoke);
    pump(now);
}

std::size_t Agent::recorded() const {
    const auto held =
        std::ranges::count_if(entries_, [](const auto& entry) { return entry.second.state == State::held; });
    return lease_ == 0 ? 0 : static_cast<std::size_t>(held);
}

// --- Time ----------------------------------------------------------------------------------------------------------

BootTime Agent::soon(BootTime now, Duration pause) {
    std::uniform_int_distribution<Duration::rep> jitter(0, pause.count() / 2);
    return after(now, pause + Duration(jitter(random_)));
}

BootTime Agent::deadline() const {
    BootTime next = control_.call == 0 ? control_.next : never;
    if (control_.call == 0 && control_.next == never && !left_) {
        next = std::min({keep_alive_at_, describe_at_, listed_ ? sync_at_ : never});
    }
    for (const std::uint64_t key : awaited_) {
        next = std::min(next, entries_.at(key).answer_by);
    }
    if (calls_.size() >= max_calls) {
        return next; // Saves the search through many sessions that end at once.
    }
    const bool admits = synced_ && !is_recording();
    for (const std::uint64_t key : active_) {
        if (const Entry& entry = entries_.at(key); may_call(entry, admits)) {
            next = std::min(next, entry.retry_at);
        }
    }
    return next;
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
    for (auto next = awaited_.begin(); next != awaited_.end();) {
        const std::uint64_t key = *next++; // answer() removes it.
        Entry& entry = entries_.at(key);
        const bool expired = entry.answer_by <= now;
        if (expired && !entry.full && failing_since_ != never) {
            note_unreachable(now);
        }
        if (down_ || refused_ || left_ || (expired && !entry.full)) {
            answer(now, key, entry, {});
        } else if (expired) {
            effects_.answer(key, *entry.full);
            release(now, key); // A repeated claim may have no reply yet.
        }
    }
}

void Agent::answer(BootTime now, std::uint64_t key, Entry& entry, const Answer& answer) {
    set_answer_by(key, entry, never);
    // forget() does the same for a session that is being released.
    if (entry.state == State::claiming && answer.outcome == Answer::Outcome::unknown) {
        owe(key, entry);
        compare_soon(now); // The daemon may have admitted the session.
    }
    effects_.answer(key, answer);
}

/// Stops to claim a slot for a session that the fleet has not admitted. The session stays owed until it is recorded, or
/// until the daemon releases it.
void Agent::owe(std::uint64_t key, Entry& entry) {
    set_state(key, entry, State::owed);
    entry.session.enforced = false;
    set_answer_by(key, entry, never);
    active_.erase(key);
}

/// Compares the records before the next comparison of the minute, which records sessions that are owed.
void Agent::compare_soon(BootTime now) {
    sync_at_ = std::min(sync_at_, soon(now, down_retry));
}

void Agent::set_answer_by(std::uint64_t key, Entry& entry, BootTime time) {
    entry.answer_by = time;
    if (time == never) {
        awaited_.erase(key);
        entry.full.reset();
    } else {
        awaited_.insert(key);
    }
}

void Agent::set_state(std::uint64_t key, Entry& entry, State state) {
    entry.state = state;
    if (state == State::repairing) {
        repairing_.insert(key);
    } else {
        repairing_.erase(key);
    }
}

void Agent::erase(std::uint64_t key) {
    active_.erase(key);
    awaited_.erase(key);
    repairing_.erase(key);
    entries_.erase(key);
}

/// Starts all calls that are due.
void Agent::pump(BootTime now) {
    if (control_.call == 0 && control_.next == never && !left_) {
        if (keep_alive_at_ <= now) {
            control_.step = Step::keep_alive;
            control_.next = now;
        } else if (describe_at_ <= now) {
            control_.step = Step::describe;
            control_.next = now;
        } else if (listed_ && sync_at_ <= now) {
            read_ = {};
            // This can become earlier while the records are read.
            sync_at_ = recheck_at_ > now ? std::min(recheck_at_, after(now, sync_interval)) : after(now, sync_interval);
            control_.step = Step::read_records;
            control_.next = now;
        }
    }
    if (control_.call == 0 && control_.next <= now) {
        send_control(now);
    }
    if (calls_.size() >= max_calls) {
        return; // Saves the search through many sessions that end at once.
    }
    // Users wait for claims, and for no release. A claim that waits for a release is repeated last, so that many of
    // them delay neither the release nor the claims of other users.
    send_due(now, awaited_, false);
    send_due(now, active_, false);
    send_due(now, awaited_, true);
}

/// Sends the calls about these sessions that are due. `are_repeated` selects the claims that found all slots occupied.
void Agent::send_due(BootTime now, const std::set<std::uint64_t>& keys, bool are_repeated) {
    const bool admits = synced_ && !is_recording();
    for (const std::uint64_t key : keys) {
        if (calls_.size() >= max_calls) {
            return;
        }
        Entry& entry = entries_.at(key);
        if (entry.full.has_value() == are_repeated && entry.retry_at <= now && may_call(entry, admits)) {
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
        entry.call = send(entry.slot != 0 ? fleet::release(keys_, key, record) : read_of({keys_.session(key), {}}));
    } else {
        if (!entry.claim) {
            entry.claim.emplace(keys_, entry.session, lease_);
        }
        entry.call = send(entry.claim->transaction());
    }
    calls_[entry.call] = key;
}

void Agent::on_reply(BootTime now, std::uint64_t id, const CallResult& result, bool repeated) {
    if (const auto* failure = std::get_if<CallFailure>(&result);
        failure != nullptr && failure->kind == CallFailure::Kind::unavailable) {
        note_failure(now, failure->what);
    } else {
        note_success();
        const auto* reply = std::get_if<TransactionReply>(&result);
        newest_ = std::max(newest_, reply == nullptr ? 0 : reply->revision);
    }
    if (id == control_.call) {
        control_.call = 0;
        on_control(now, result);
    } else if (const auto call = calls_.find(id); call != calls_.end()) {
        const std::uint64_t key = call->second;
        calls_.erase(call);
        if (const auto* reply = std::get_if<TransactionReply>(&result); reply != nullptr && key == 0) {
            released_ = std::max(released_, reply->revision);
        }
        const auto entry = entries_.find(key);
        if (entry != entries_.end() && entry->second.call == id) {
            entry->second.call = 0;
            entry->second.doubtful |= repeated && entry->second.claim;
            const bool was_owed = entry->second.state == State::owed;
            on_session_reply(now, key, entry->second, result);
            if (was_owed && entry->second.state == State::owed) {
                compare_soon(now); // a comparison has not examined it, because a call was pending
            }
        }
    }
    go_up();
    give_answers(now);
    pump(now);
}

// --- Sessions ------------------------------------------------------------------------------------------------------

void Agent::on_session_reply(BootTime now, std::uint64_t key, Entry& entry, const CallResult& result) {
    if (const auto* failure = std::get_if<CallFailure>(&result)) {
        entry.retry_at = soon(now, failure->kind == CallFailure::Kind::rejected ? down_retry : quick_retry);
        entry.doubtful |= entry.claim && failure->kind == CallFailure::Kind::unavailable;
        entry.full.reset();
        // The claims with an earlier lease were deleted when it was lost.
        if (failure->kind == CallFailure::Kind::rejected && entry.state != State::releasing) {
            refuse(now, key, entry, failure->what);
        } else if (failure->kind == CallFailure::Kind::too_large && entry.state != State::releasing) {
            // Another host has written long values as slots of this user. Logins of other users do not wait for it.
            entry.claim.reset();
            entry.state == State::claiming ? answer(now, key, entry, {}) : owe(key, entry);
        } else if (failure->kind == CallFailure::Kind::no_lease && entry.claim) {
            lose_lease(now);
        } else if (entry.state == State::releasing) {
            entry.claim.reset();
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
            entry.session.record.since = claimed->since.value_or(entry.session.record.since);
        }
        entry.claim.reset();
    } else if (entry.state == State::releasing) {
        on_released(now, key, entry, *reply);
    }
}

/// Handles a claim that the store has rejected, such as at its quota. Claims are answered at once until the records
/// have been read again and the sessions of this time have been recorded.
void Agent::refuse(BootTime now, std::uint64_t key, Entry& entry, const std::string& reason) {
    entry.claim.reset();
    refused_ = true;
    go_down(reason);
    if (entry.state == State::claiming) {
        answer(now, key, entry, {});
    } else {
        owe(key, entry);
        compare_soon(now);
    }
}

void Agent::on_claimed(BootTime now, std::uint64_t key, Entry& entry, const Claimed& claimed) {
    entry.claim.reset();
    switch (claimed.outcome) {
    case Claimed::Outcome::granted: {
        const bool waiting = entry.state == State::claiming;
        set_state(key, entry, State::held);
        entry.slot = claimed.slot;
        entry.session.record.since = claimed.since.value_or(entry.session.record.since); // a release compares it
        entry.revision = claimed.revision;
        active_.erase(key);
        if (!entry.session.enforced && entry.slot > entry.session.limit) {
            effects_.over_limit(entry.session);
        }
        if (waiting) {
            answer(now, key, entry, {.outcome = Answer::Outcome::granted});
        }
        return;
    }
    case Claimed::Outcome::full:
        if (entry.state == State::claiming && entry.session.enforced) {
            entry.full = {.outcome = Answer::Outcome::full, .count = claimed.count, .holders = claimed.holders};
            if (is_outdated(entry.session.record.user, claimed.revision)) {
                break;
            }
            effects_.answer(key, *entry.full);
            set_answer_by(key, entry, never);
            forget(now, key, entry, claimed.revision);
        } else if (entry.state == State::claiming) {
            answer(now, key, entry, {});
        } else {
            // All slots up to max_slot are occupied. The next comparison tries again, and logins do not wait for it.
            owe(key, entry);
        }
        return;
    case Claimed::Outcome::contended:
        break;
    }
    entry.retry_at = soon(now, quick_retry);
}

/// Returns true if the store contained slots of the user at a revision that this host releases, or has released since.
/// Calls can be executed and answered in another order than they were sent. The daemon ends its list after the claims
/// of waiting users.
bool Agent::is_outdated(const std::string& user, std::int64_t revision) const {
    const auto ends = [&](std::uint64_t key) {
        const Entry& entry = entries_.at(key);
        return entry.state == State::releasing && entry.session.record.user == user;
    };
    const auto belongs_to_comparison = [](const auto& call) { return call.second == 0; };
    return is_listing_ || revision < released_ || std::ranges::any_of(active_, ends) ||
           std::ranges::any_of(calls_, belongs_to_comparison);
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
    released_ = std::max(released_, reply.revision);
    forget(now, key, entry, reply.revision);
}

/// Removes a session that has ended, unless the daemon has announced it again in the meantime. `revision` is that at
/// which the store had no record of the session. Earlier records must not be compared with it.
void Agent::forget(BootTime now, std::uint64_t key, Entry& entry, std::int64_t revision) {
    if (entry.doubtful) {
        recheck_at_ = after(now, late_claim);
        sync_at_ = std::min(sync_at_, recheck_at_);
    }
    if (!entry.again) {
        return erase(key);
    }
    const BootTime answer_by = entry.answer_by;
    entry = {.session = *std::exchange(entry.again, {}),
             .revision = revision,
             .answer_by = answer_by,
             .listed = entry.listed,
             .doubtful = entry.doubtful};
    if (answer_by == never) {
        owe(key, entry);
        sync_at_ = now;
    }
}

} // namespace sesslimit::fleet
