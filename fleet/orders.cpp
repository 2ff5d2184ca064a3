// SPDX-License-Identifier: MIT
#include "fleet/orders.hpp"

#include <algorithm>
#include <set>

namespace sesslimit::fleet {

void Orders::join(BootTime now, std::int64_t lease) {
    lease_ = lease;
    read(now);
}

void Orders::daemon_connected() {
    for (const auto& [order, entry] : entries_) {
        if (!entry.count) {
            effects_.end(order, entry.what);
        }
    }
}

void Orders::ended(BootTime now, std::uint64_t order, std::uint32_t count) {
    const auto found = entries_.find(order);
    if (found != entries_.end() && !found->second.count) {
        found->second.count = count;
        plan_record(now, found->second);
        record(now);
    }
}

// --- Calls ----------------------------------------------------------------------------------------------------------

void Orders::send(Task& task, const Transaction& whole) {
    task.at = never;
    task.call = id_bit | ++last_call_;
    effects_.call(task.call, whole);
}

void Orders::end_call(BootTime now, Task& task, const CallResult& result) {
    task.call = 0;
    const auto* failure = std::get_if<CallFailure>(&result);
    if (failure == nullptr) {
        task.pause = retry;
    } else if (failure->kind == CallFailure::Kind::rejected) {
        task.at = after(now, rejected_retry + random_up_to(rejected_retry));
    } else {
        back_off(now, task);
    }
}

/// Plans the next attempt after a failure.
void Orders::back_off(BootTime now, Task& task) {
    task.at = after(now, task.pause + random_up_to(task.pause));
    task.pause = std::min(2 * task.pause, longest_retry);
}

Duration Orders::random_up_to(Duration longest) {
    return Duration(std::uniform_int_distribution<Duration::rep>(0, longest.count())(random_));
}

void Orders::on_reply(BootTime now, std::uint64_t id, const CallResult& result) {
    const auto* reply = std::get_if<TransactionReply>(&result);
    if (id == reading_.call) {
        end_call(now, reading_, result);
        if (reply != nullptr) {
            on_orders(now, *reply);
        }
    } else if (id == recording_.call) {
        end_call(now, recording_, result);
        for (const std::uint64_t order : std::exchange(in_call_, {})) {
            if (const auto found = entries_.find(order); found != entries_.end()) {
                found->second.recorded = reply != nullptr;
            }
        }
        if (reply != nullptr) {
            plan_records(now); // those that were not part of the call
        }
    }
    record(now);
}

void Orders::on_time(BootTime now) {
    if (reading_.at <= now) {
        read(now);
    }
    record(now);
}

BootTime Orders::deadline() const {
    return std::min(reading_.at, may_record_ && recording_.call == 0 ? recording_.at : never);
}

// --- Orders ---------------------------------------------------------------------------------------------------------

void Orders::read(BootTime now) {
    Transaction whole;
    whole.success = {Get{keys_.orders(), static_cast<std::int64_t>(max_orders)}, Get{keys_.acks(), 0}};
    send(reading_, whole);
    record(now);
}

/// Compares the known orders with those of the store, and watches the changes from then on.
void Orders::on_orders(BootTime now, const TransactionReply& reply) {
    std::set<std::uint64_t> present;
    std::set<std::uint64_t> recorded;
    for (const KeyValue& found : reply.found) {
        if (const auto order = keys_.parse_ack(found.key)) {
            recorded.insert(*order);
        } else if (const auto ordered = keys_.parse_order(found.key)) {
            present.insert(*ordered);
        }
    }
    is_cut_ = present.size() >= max_orders;
    if (!is_cut_) {
        std::erase_if(entries_, [&](const auto& entry) { return !present.contains(entry.first); });
    }
    for (auto& [order, entry] : entries_) {
        // The record of the result is deleted with the lease of the host.
        entry.recorded = recorded.contains(order);
    }
    for (const KeyValue& found : reply.found) {
        const auto order = keys_.parse_order(found.key);
        if (order && !recorded.contains(*order)) {
            on_change(found.key, found.value);
        }
    }
    plan_records(now);
    effects_.watch(keys_.orders(), reply.revision + 1);
}

void Orders::on_change(const std::string& key, const std::string& value) {
    const auto order = keys_.parse_order(key);
    const auto what = decode_order(value);
    if (!order || !what) {
        return;
    }
    if (entries_.size() >= max_orders && !entries_.contains(*order)) {
        is_cut_ = true;
        return;
    }
    const auto [place, is_new] = entries_.try_emplace(*order, Entry{.what = *what});
    if (is_new) {
        effects_.end(*order, *what);
    }
}

void Orders::on_delete(BootTime now, const std::string& key) {
    const auto order = keys_.parse_order(key);
    if (order && entries_.erase(*order) > 0 && reading_.call == 0 && std::exchange(is_cut_, false)) {
        reading_.at = now; // There is room for another order.
    }
}

void Orders::on_watch_lost(BootTime now) {
    if (reading_.call == 0 && reading_.at == never) {
        back_off(now, reading_);
    }
}

// --- Results --------------------------------------------------------------------------------------------------------

/// Plans the time at which a result is recorded. Results of orders that follow each other are recorded together, so
/// that the number of calls is bounded by the spread and not by the number of orders.
void Orders::plan_record(BootTime now, const Entry& entry) {
    if (entry.count && !entry.recorded && recording_.at > after(now, entry.what.spread)) {
        recording_.at = after(now, random_up_to(entry.what.spread));
    }
}

void Orders::plan_records(BootTime now) {
    for (const auto& [order, entry] : entries_) {
        plan_record(now, entry);
    }
}

/// Records all results in one transaction when its time has come.
void Orders::record(BootTime now) {
    if (!may_record_ || recording_.call != 0 || recording_.at > now) {
        return;
    }
    recording_.at = never;
    Transaction whole;
    whole.is_patient = true;
    for (const auto& [order, entry] : entries_) {
        if (entry.count && !entry.recorded && in_call_.size() < batch) {
            whole.success.emplace_back(Put{keys_.ack(order), encode(AckRecord{*entry.count}), lease_});
            in_call_.push_back(order);
        }
    }
    if (!in_call_.empty()) {
        send(recording_, whole);
    }
}

} // namespace sesslimit::fleet
