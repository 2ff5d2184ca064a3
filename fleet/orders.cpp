// SPDX-License-Identifier: MIT
#include "fleet/orders.hpp"

#include <algorithm>
#include <set>

namespace sesslimit::fleet {

BootTime Orders::soon(BootTime now) {
    std::uniform_int_distribution<Duration::rep> jitter(0, retry.count() / 2);
    return after(now, retry + Duration(jitter(random_)));
}

void Orders::join(BootTime now, std::int64_t lease) {
    lease_ = lease;
    read(now);
}

void Orders::read(BootTime now) {
    Transaction whole;
    whole.success = {Get{keys_.orders(), static_cast<std::int64_t>(max_orders)}, Get{keys_.acks(), 0}};
    read_at_ = never;
    reading_ = id_bit | ++last_call_;
    effects_.call(reading_, whole);
    record(now);
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
        found->second.record_at = now;
        record(now);
    }
}

void Orders::on_reply(BootTime now, std::uint64_t id, const CallResult& result) {
    const auto* reply = std::get_if<TransactionReply>(&result);
    if (id == reading_) {
        reading_ = 0;
        if (reply != nullptr) {
            on_orders(now, *reply);
        } else {
            const auto* failure = std::get_if<CallFailure>(&result);
            const bool rejected = failure != nullptr && failure->kind == CallFailure::Kind::rejected;
            read_at_ = rejected ? after(now, long_retry) : soon(now);
        }
    }
    const auto found = std::ranges::find_if(entries_, [id](const auto& entry) { return entry.second.call == id; });
    if (found != entries_.end()) {
        found->second.call = 0;
        found->second.recorded = reply != nullptr;
        found->second.record_at = soon(now);
    }
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
    std::erase_if(entries_, [&](const auto& entry) { return !present.contains(entry.first); });
    for (auto& [order, entry] : entries_) {
        // The record of the result is deleted with the lease of the host.
        entry.recorded = recorded.contains(order);
        entry.record_at = now;
    }
    for (const KeyValue& found : reply.found) {
        const auto order = keys_.parse_order(found.key);
        if (order && !recorded.contains(*order)) {
            on_change(found.key, found.value);
        }
    }
    effects_.watch(keys_.orders(), reply.revision + 1);
}

void Orders::on_change(const std::string& key, const std::string& value) {
    const auto order = keys_.parse_order(key);
    const auto what = decode_order(value);
    if (!order || !what || entries_.size() >= max_orders) {
        return;
    }
    const auto [place, is_new] = entries_.try_emplace(*order, Entry{.what = *what});
    if (is_new) {
        effects_.end(*order, *what);
    }
}

void Orders::on_delete(const std::string& key) {
    if (const auto order = keys_.parse_order(key)) {
        entries_.erase(*order);
    }
}

void Orders::on_watch_lost(BootTime now) {
    if (reading_ == 0) {
        read_at_ = soon(now);
    }
}

/// Records the results that are due.
void Orders::record(BootTime now) {
    for (auto& [order, entry] : entries_) {
        if (!may_record_ || !entry.count || entry.recorded || entry.call != 0 || entry.record_at > now) {
            continue;
        }
        Transaction whole;
        whole.success = {Put{keys_.ack(order), encode(AckRecord{*entry.count}), lease_}};
        entry.call = id_bit | ++last_call_;
        effects_.call(entry.call, whole);
    }
}

void Orders::on_time(BootTime now) {
    if (read_at_ <= now) {
        read(now);
    }
    record(now);
}

BootTime Orders::deadline() const {
    BootTime next = read_at_;
    for (const auto& [order, entry] : entries_) {
        if (may_record_ && entry.count && !entry.recorded && entry.call == 0) {
            next = std::min(next, entry.record_at);
        }
    }
    return next;
}

} // namespace sesslimit::fleet
