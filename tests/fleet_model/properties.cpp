// SPDX-License-Identifier: MIT
// The properties that the model checks.
#include "tests/fleet_model/world.hpp"

#include <algorithm>

namespace sesslimit::fleet::model {

std::pair<World::Host*, World::Login*> World::login_of(const SlotRecord& record) {
    const auto host = std::ranges::find(hosts_, record.host, [](const auto& one) { return one->name; });
    if (host == hosts_.end()) {
        return {};
    }
    const auto login = (*host)->logins.find(record.session);
    const bool same_boot = record.since == static_cast<std::int64_t>(record.session + 1000 * (*host)->boots);
    return {host->get(), login == (*host)->logins.end() || !same_boot ? nullptr : &login->second};
}

/// Returns the revisions at which the slots of a session were created.
std::vector<std::int64_t> World::slots_of(const Host& host, std::uint64_t session) const {
    const auto since = static_cast<std::int64_t>(session + 1000 * host.boots);
    const std::string value = encode(SlotRecord{.host = host.name, .session = session, .since = since});
    std::vector<std::int64_t> created;
    for (const auto& [key, entry] : store_.keys()) {
        if (entry.value == value && keys_.parse_slot(key)) {
            created.push_back(entry.created);
        }
    }
    return created;
}

/// Checks a new slot. A login that the fleet still decides must not get a slot if the limit is reached, nor before the
/// sessions that the fleet admitted on its host are recorded.
void World::created(const std::string& key, const std::string& value) {
    const auto slot = keys_.parse_slot(key);
    const auto record = decode_slot(value);
    const auto [host, login] = slot && record ? login_of(*record) : std::pair<Host*, Login*>{};
    if (login == nullptr) {
        return;
    }
    const std::size_t occupied = store_.count(keys_.slots(slot->user));
    if (!login->answered && occupied > login->limit) {
        fail(key + ": admitted beyond the limit");
    }
    for (const auto& [number, other] : host->logins) {
        const std::size_t slots = slots_of(*host, number).size();
        if (!faults_.store && slots > 1) {
            fail(key + ": a session has two slots");
        }
        if (!faults_.store && !login->answered && other.answered && !other.excused && slots == 0) {
            fail(key + ": admitted before another session was recorded");
        }
    }
    std::size_t live = 0;
    for (const auto& one : hosts_) {
        for (const auto& [number, other] : one->logins) {
            live += other.user == slot->user && other.answered ? 1U : 0U;
        }
    }
    figures_.most_excess = std::max(figures_.most_excess, live > login->limit ? live - login->limit : 0);
}

/// Checks a deleted slot. The product must not delete the slot of a session that exists.
void World::deleted(const std::string& key) {
    if (!keys_.parse_slot(key) || faults_.hosts || faults_.store) {
        return; // The lease may have expired, or the key was deleted on purpose.
    }
    for (const auto& host : hosts_) {
        for (const auto& [number, login] : host->logins) {
            if (login.answered && !login.excused && slots_of(*host, number).empty()) {
                fail(key + ": the slot of a session was deleted");
            }
        }
    }
}

void World::check_quiet() {
    std::size_t sessions = 0;
    for (const auto& host : hosts_) {
        sessions += host->logins.size();
        if (!std::ranges::all_of(host->logins, [](const auto& entry) { return entry.second.answered; })) {
            fail(host->name + ": a claim has no answer");
        }
        if (!host->agent || !host->agent->is_up()) {
            fail(host->name + ": not up after the faults");
        }
    }
    std::size_t slots = 0;
    std::size_t records = 0;
    for (const auto& [key, entry] : store_.keys()) {
        if (keys_.parse_slot(key)) {
            ++slots;
            const auto record = decode_slot(entry.value);
            if (!record || login_of(*record).second == nullptr) {
                fail(key + " is left without a session: " + entry.value);
            }
        }
        records += key.find("/s/") != std::string::npos ? 1U : 0U;
    }
    if (slots != sessions || records != sessions) {
        fail(std::to_string(sessions) + " sessions with " + std::to_string(slots) + " slots and " +
             std::to_string(records) + " records");
    }
}

/// Checks a denial before its time. No slot may be that of a session of the same host that has ended. A call that is
/// executed late can occupy such a slot, which its host does not know.
void World::check_holders(const Host& host, const Login& login, const Answer& answer) {
    if (faults_.network || faults_.store || now_ - login.asked >= Agent::answer_timeout) {
        return;
    }
    for (const Holder& holder : answer.holders) {
        if (const auto [owner, session] = login_of(holder.record); owner == &host && session == nullptr) {
            fail(host.name + ": denied because of its own session " + std::to_string(holder.record.session) +
                 ", which has ended");
        }
    }
}

} // namespace sesslimit::fleet::model
