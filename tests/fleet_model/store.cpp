// SPDX-License-Identifier: MIT
#include "tests/fleet_model/store.hpp"

#include <algorithm>
#include <vector>

namespace sesslimit::fleet::model {

Store::Iterators Store::find(const KeyRange& range) const {
    if (range.end.empty()) {
        return keys_.equal_range(range.first);
    }
    return {keys_.lower_bound(range.first), keys_.lower_bound(range.end)};
}

std::size_t Store::count(const KeyRange& range) const {
    const auto [first, last] = find(range);
    return static_cast<std::size_t>(std::distance(first, last));
}

bool Store::holds(const Compare& condition) const {
    const auto is_true = [&](const KeyValue& entry) {
        switch (condition.target) {
        case Compare::Target::value:
            return entry.value == condition.text;
        case Compare::Target::created:
        case Compare::Target::modified:
        case Compare::Target::lease:
            break;
        }
        const std::int64_t number = condition.target == Compare::Target::created    ? entry.created
                                    : condition.target == Compare::Target::modified ? entry.modified
                                                                                    : entry.lease;
        return condition.relation == Compare::Relation::less ? number < condition.number : number == condition.number;
    };
    const auto [first, last] = find(condition.keys);
    if (first == last) {
        return condition.target != Compare::Target::value && is_true({});
    }
    return std::all_of(first, last, [&](const auto& entry) { return is_true(entry.second); });
}

/// Returns true if an operation that would run puts a key with a lease that does not exist.
bool Store::has_unknown_lease(const Transaction& transaction) const {
    const bool succeeds =
        std::ranges::all_of(transaction.conditions, [this](const Compare& one) { return holds(one); });
    return std::ranges::any_of(succeeds ? transaction.success : transaction.failure,
                               [this](const Operation& operation) {
                                   const auto* put = std::get_if<Put>(&operation);
                                   const auto* nested = std::get_if<Transaction>(&operation);
                                   return (put != nullptr && put->lease != 0 && !leases_.contains(put->lease)) ||
                                          (nested != nullptr && has_unknown_lease(*nested));
                               });
}

void Store::run(const Transaction& transaction, TransactionReply& reply) {
    const bool succeeds =
        std::ranges::all_of(transaction.conditions, [this](const Compare& one) { return holds(one); });
    reply.succeeded.push_back(succeeds);
    for (const Operation& operation : succeeds ? transaction.success : transaction.failure) {
        if (const auto* read = std::get_if<Get>(&operation)) {
            const auto [first, last] = find(read->keys);
            reply.counts.push_back(std::distance(first, last));
            if (read->count_only) {
                continue;
            }
            for (auto entry = first; entry != last && (read->limit == 0 || std::distance(first, entry) < read->limit);
                 ++entry) {
                reply.found.push_back(entry->second);
            }
        } else if (const auto* put = std::get_if<Put>(&operation)) {
            KeyValue& entry = keys_[put->key];
            const bool is_new = entry.key.empty();
            entry = {put->key, put->value, is_new ? reply.revision : entry.created, reply.revision, put->lease};
            if (is_new && on_create) {
                on_create(put->key, put->value);
            }
        } else if (const auto* deletion = std::get_if<Delete>(&operation)) {
            std::vector<std::string> deleted;
            const auto [first, last] = find(deletion->keys);
            std::transform(first, last, std::back_inserter(deleted), [](const auto& entry) { return entry.first; });
            std::ranges::for_each(deleted, [this](const std::string& key) { remove(key); });
        } else {
            run(std::get<Transaction>(operation), reply);
        }
    }
}

void Store::remove(const std::string& key) {
    if (keys_.erase(key) > 0 && on_delete) {
        on_delete(key);
    }
}

void Store::revoke(std::int64_t lease) {
    std::vector<std::string> deleted;
    for (const auto& [key, entry] : keys_) {
        if (entry.lease == lease) {
            deleted.push_back(key);
        }
    }
    leases_.erase(lease);
    ++revision_;
    std::ranges::for_each(deleted, [this](const std::string& key) { remove(key); });
}

void Store::expire(BootTime now) {
    for (auto lease = leases_.begin(); lease != leases_.end();) {
        const auto [id, state] = *lease++;
        if (state.expires <= now) {
            revoke(id);
        }
    }
}

CallResult Store::execute(BootTime now, const Call& call) {
    expire(now);
    const auto no_lease = [] { return CallFailure{CallFailure::Kind::no_lease, "requested lease not found"}; };
    if (const auto* transaction = std::get_if<Transaction>(&call)) {
        if (has_unknown_lease(*transaction)) {
            return no_lease();
        }
        TransactionReply reply{.revision = ++revision_};
        run(*transaction, reply);
        return reply;
    }
    if (const auto* grant = std::get_if<GrantLease>(&call)) {
        leases_[++last_lease_] = {grant->ttl, now + grant->ttl};
        return LeaseReply{.lease = last_lease_, .ttl = grant->ttl};
    }
    if (const auto* revocation = std::get_if<RevokeLease>(&call)) {
        if (!leases_.contains(revocation->lease)) {
            return no_lease();
        }
        revoke(revocation->lease);
        return LeaseReply{.lease = revocation->lease, .ttl = {}};
    }
    const auto* keep = std::get_if<KeepAlive>(&call);
    const std::int64_t id = keep != nullptr ? keep->lease : std::get<ListLease>(call).lease;
    LeaseReply reply{.lease = id, .ttl = std::chrono::seconds(-1)};
    if (const auto lease = leases_.find(id); lease != leases_.end()) {
        lease->second.expires = keep != nullptr ? now + lease->second.ttl : lease->second.expires;
        reply.ttl = lease->second.ttl;
        for (const auto& [key, entry] : keys_) {
            if (keep == nullptr && entry.lease == id) {
                reply.keys.push_back(key);
            }
        }
    }
    return reply;
}

} // namespace sesslimit::fleet::model
