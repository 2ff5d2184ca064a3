// SPDX-License-Identifier: MIT
#include "fleet/sync.hpp"

#include <set>
#include <utility>

namespace sesslimit::fleet {
namespace {

using Slots = std::set<std::pair<std::string, std::uint32_t>>;

/// Returns the transaction that deletes a key unless it has been modified after `revision`, or has another lease.
Transaction discard(const std::string& key, std::int64_t lease, std::int64_t revision) {
    const auto condition = [&](Compare::Target target, Compare::Relation relation, std::int64_t number) {
        return Compare{.keys = {key, {}}, .target = target, .relation = relation, .number = number};
    };
    Transaction whole;
    whole.conditions = {condition(Compare::Target::lease, Compare::Relation::equal, lease),
                        condition(Compare::Target::modified, Compare::Relation::less, revision + 1)};
    whole.success = {Delete{{key, {}}}};
    return whole;
}

/// Compares the records of sessions with the sessions. Adds the slots of the records to `referenced`.
void compare_records(const Keys& keys, const StoredRecords& stored, const std::map<std::uint64_t, Tracked>& sessions,
                     SyncPlan& plan, Slots& referenced) {
    for (const KeyValue& entry : stored.sessions) {
        const auto key = keys.parse_session(entry.key);
        auto record = decode_session(entry.value);
        const auto session = key ? sessions.find(*key) : sessions.end();
        if (record) {
            referenced.emplace(record->user, record->slot);
        }
        if (session != sessions.end() && (session->second.busy || session->second.revision > stored.revision)) {
            continue;
        }
        if (!key || !record) {
            plan.discard.push_back(discard(entry.key, entry.lease, stored.revision));
        } else if (session == sessions.end() || session->second.user != record->user) {
            plan.release.push_back({*key, *std::move(record)});
        } else {
            plan.found.emplace(*key, SyncPlan::Found{record->slot, record->since});
        }
    }
}

} // namespace

SyncPlan compare(const Keys& keys, const StoredRecords& stored, const std::map<std::uint64_t, Tracked>& sessions,
                 std::int64_t lease) {
    SyncPlan plan;
    Slots referenced;
    compare_records(keys, stored, sessions, plan, referenced);
    std::map<std::uint64_t, std::int64_t> modified;
    for (const KeyValue& entry : stored.sessions) {
        modified.emplace(keys.parse_session(entry.key).value_or(0), entry.modified);
    }

    // If a slot was lost and another session of this host occupied it, both have a record with this slot.
    std::map<std::pair<std::string_view, std::uint32_t>, int> occupants;
    for (const auto& [key, record] : plan.found) {
        ++occupants[{sessions.at(key).user, record.slot}];
    }

    const std::set<std::string> on_lease(stored.on_lease.begin(), stored.on_lease.end());
    for (const auto& [key, session] : sessions) {
        if (session.slot != 0) {
            referenced.emplace(session.user, session.slot);
        }
        if (session.busy || session.revision > stored.revision) {
            continue;
        }
        const auto found = plan.found.find(key);
        if (found == plan.found.end()) {
            // An invalid record is discarded first, and the session is recorded by the next comparison.
            if (!modified.contains(key)) {
                plan.repair.push_back({key, {.modified = 0, .slot = session.slot}});
            }
        } else if (occupants[{session.user, found->second.slot}] > 1 || !on_lease.contains(keys.session(key)) ||
                   !on_lease.contains(keys.slot(session.user, found->second.slot))) {
            plan.repair.push_back({key, {.modified = modified.at(key), .slot = found->second.slot}});
        }
    }
    for (const std::string& key : on_lease) {
        const auto slot = keys.parse_slot(key);
        if (slot && !referenced.contains({slot->user, slot->slot})) {
            plan.discard.push_back(discard(key, lease, stored.revision));
        }
    }
    return plan;
}

} // namespace sesslimit::fleet
