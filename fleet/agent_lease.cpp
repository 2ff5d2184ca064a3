// SPDX-License-Identifier: MIT
// The part of the agent that keeps the lease of the host, and compares the records of the host with its sessions.
#include "fleet/agent.hpp"

#include <algorithm>
#include <utility>

namespace sesslimit::fleet {

// --- Reachability of the store --------------------------------------------------------------------------------------

void Agent::note_success() {
    failing_since_ = never;
    down_ = false;
    down_pause_ = down_retry;
}

void Agent::note_failure(BootTime now, const std::string& what) {
    failing_since_ = std::min(failing_since_, now);
    failure_ = what;
    if (now - failing_since_ >= answer_timeout) {
        note_unreachable(now);
    }
}

/// Enters the state in which logins do not wait for the store. The store is called at growing intervals.
void Agent::note_unreachable(BootTime now) {
    if (std::exchange(down_, true)) {
        return;
    }
    go_down(failure_);
    if (control_.call == 0 && control_.next == never && !left_) {
        go_on(soon(now, down_retry), Step::keep_alive);
    }
}

void Agent::go_down(const std::string& why) {
    const std::string& reason = left_ ? left_reason_ : why;
    synced_ = false; // The sessions of this time are recorded before new logins are admitted.
    if (std::exchange(reported_up_, false) || reason != reported_reason_) {
        reported_reason_ = reason;
        effects_.state_changed(false, reason);
    }
}

/// Reports that claims are answered, if all sessions of this host are recorded.
void Agent::go_up() {
    if (synced_ && !refused_ && !reported_up_ && !left_ && !is_recording()) {
        reported_up_ = true;
        reported_reason_.clear();
        effects_.state_changed(true, {});
    }
}

// --- The lease ------------------------------------------------------------------------------------------------------

void Agent::lose_lease(BootTime now) {
    lease_ = 0;
    keep_alive_at_ = never;
    for (auto& [key, entry] : entries_) {
        entry.claim.reset();
        entry.full.reset(); // the slots of this host are free
    }
    if (left_) {
        return on_revoked(now);
    }
    go_down("the lease of the host has expired");
    go_on(soon(now, quick_retry), Step::read_host);
}

void Agent::go_on(BootTime now, Step step) {
    control_.step = step;
    // The reply to a call of an earlier step is ignored.
    control_.call = 0;
    control_.next = now;
}

void Agent::send_control(BootTime now) {
    control_.next = never;
    switch (control_.step) {
    case Step::read_host:
        control_.call = send(read_of({keys_.host_record(), {}}));
        break;
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
    case Step::describe: {
        describe_at_ = never;
        Transaction whole;
        // A record that was deleted is only written again if no other machine has taken the name.
        whole.conditions = {{.keys = {keys_.host_record(), {}},
                             .target = host_missing_ ? Compare::Target::modified : Compare::Target::lease,
                             .relation = Compare::Relation::equal,
                             .number = host_missing_ ? 0 : lease_}};
        whole.success = {Put{keys_.host_record(), encode(settings_.record), lease_}};
        control_.call = send(whole);
        break;
    }
    case Step::read_records: {
        KeyRange range = keys_.sessions();
        if (!read_.sessions.empty()) {
            range.first = read_.sessions.back().key + '\0';
        } else {
            read_after_ = newest_;
        }
        control_.call = send(read_of(std::move(range), page));
        break;
    }
    case Step::list_lease:
        control_.call = send(ListLease{lease_});
        break;
    }
}

void Agent::on_control(BootTime now, const CallResult& result) {
    if (const auto* failure = std::get_if<CallFailure>(&result)) {
        on_control_failure(now, *failure);
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
    } else if (reply != nullptr && (reply->succeeded.empty() || !reply->succeeded.front())) {
        go_on(soon(now, quick_retry), Step::read_host); // another process has written the host's record
    } else if (reply != nullptr) {
        host_missing_ = false;
        sync_at_ = control_.step == Step::put_host ? now : sync_at_;
    }
}

/// Returns the time of the next attempt after a failed call.
BootTime Agent::next_retry(BootTime now) {
    if (down_) {
        return soon(now, std::exchange(down_pause_, std::min(2 * down_pause_, longest_down_retry)));
    }
    return soon(now, refused_ ? down_retry : quick_retry);
}

void Agent::on_control_failure(BootTime now, const CallFailure& failure) {
    if (failure.kind == CallFailure::Kind::no_lease) {
        if (control_.step == Step::revoke) {
            on_revoked(now);
        } else {
            lose_lease(now);
        }
        return;
    }
    if (control_.step == Step::describe) {
        // The lease is kept alive in the meantime.
        describe_at_ = soon(now, failure.kind == CallFailure::Kind::rejected ? sync_interval : down_retry);
        return;
    }
    if (failure.kind != CallFailure::Kind::unavailable) {
        refused_ = true;
        go_down(failure.what);
    }
    const BootTime retry = next_retry(now);
    if (control_.step == Step::read_records || control_.step == Step::list_lease) {
        sync_at_ = retry; // The comparison starts again. Until then the lease is kept alive.
    } else {
        control_.next = retry;
    }
}

void Agent::on_revoked(BootTime now) {
    lease_ = 0;
    if (!left_) {
        return go_on(now, Step::grant);
    }
    go_on(never, Step::revoke); // no call follows
    // The records of sessions that have ended were deleted with the lease.
    for (auto next = active_.begin(); next != active_.end();) {
        const std::uint64_t key = *next++; // erase() removes it.
        if (entries_.at(key).state == State::releasing) {
            erase(key);
        }
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
    } else if (record && record->boot == settings_.record.boot) {
        if (settings_.record.policy.empty()) {
            settings_.record.policy = record->policy; // until the daemon reports it
        }
        describe_at_ = *record == settings_.record ? never : now;
        go_on(now, Step::keep_alive);
    } else if (joined_) {
        // The record of an earlier boot was replaced when this process joined. It can also be that of a backup.
        refused_ = true;
        lease_ = 0;
        go_down("the host name " + settings_.host + " is used by another machine with the same machine ID");
        control_.next = after(now, sync_interval);
    } else {
        // The lease of an earlier boot belongs to sessions that no longer exist.
        go_on(now, Step::revoke);
    }
}

void Agent::on_lease(BootTime now, const LeaseReply& reply) {
    switch (control_.step) {
    case Step::revoke:
        on_revoked(now);
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
    default: // keep_alive
        if (reply.ttl.count() > 0) {
            sync_at_ = synced_ ? sync_at_ : now;
            return;
        }
        break;
    }
    lose_lease(now);
}

// --- The comparison of records --------------------------------------------------------------------------------------

void Agent::on_records(BootTime now, const TransactionReply& reply) {
    if (reply.revision < read_after_) {
        on_restored(reply.revision);
    }
    if (read_.revision == 0) {
        read_.revision = reply.revision;
    }
    read_.sessions.insert(read_.sessions.end(), reply.found.begin(), reply.found.end());
    const bool more = static_cast<std::int64_t>(reply.found.size()) >= page;
    if (more && keep_alive_at_ <= now) {
        // The pages of a host with many sessions can need longer than its lease lasts. The result is not needed.
        calls_[send(KeepAlive{lease_})] = 0;
        keep_alive_at_ = after(now, settings_.host_ttl / 3);
    }
    go_on(now, more ? Step::read_records : Step::list_lease);
}

/// Handles that an administrator has restored a backup of the store. The revisions since then do not exist.
void Agent::on_restored(std::int64_t revision) {
    newest_ = read_after_ = released_ = revision;
    for (auto& [key, entry] : entries_) {
        entry.revision = 0;
    }
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
    apply(now, plan);
    synced_ = true;
    joined_ = true;
    refused_ = false;
    host_missing_ = std::ranges::find(reply.keys, keys_.host_record()) == reply.keys.end();
    describe_at_ = host_missing_ ? now : describe_at_;
}

void Agent::apply(BootTime now, const SyncPlan& plan) {
    for (const auto& [key, record] : plan.found) {
        Entry& entry = entries_.at(key);
        set_state(key, entry, State::held);
        entry.slot = record.slot;
        entry.session.record.since = record.since; // part of the value that a release compares
    }
    std::size_t lost = 0;
    for (const SyncPlan::Repair& repair : plan.repair) {
        Entry& entry = entries_.at(repair.session);
        lost += entry.state == State::held ? 1 : 0;
        set_state(repair.session, entry, State::repairing);
        entry.session.enforced = false;
        entry.retry_at = now;
        entry.claim.emplace(keys_, entry.session, lease_, repair.previous);
        active_.insert(repair.session);
    }
    if (lost > 0) {
        effects_.repairing(lost);
    }
    // The results of these calls are not needed, because the next comparison repeats them if they were lost.
    const auto send_once = [&](const Transaction& transaction) {
        if (calls_.size() < max_calls) {
            calls_[send(transaction)] = 0;
        } else {
            sync_at_ = soon(now, down_retry);
        }
    };
    for (const SyncPlan::Release& extra : plan.release) {
        const auto [place, is_new] = entries_.try_emplace(extra.session);
        if (is_new) {
            place->second.session = {.key = extra.session, .record = extra.record};
            place->second.slot = extra.record.slot;
            set_state(extra.session, place->second, State::releasing);
            active_.insert(extra.session);
        } else { // the record names another user
            send_once(fleet::release(keys_, extra.session, extra.record));
        }
    }
    std::ranges::for_each(plan.discard, send_once);
}

} // namespace sesslimit::fleet
