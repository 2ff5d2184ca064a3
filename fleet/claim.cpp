// SPDX-License-Identifier: MIT
#include "fleet/claim.hpp"

#include <algorithm>
#include <set>

namespace sesslimit::fleet {
namespace {

Compare number_is(std::string key, Compare::Target target, std::int64_t number) {
    return {.keys = {std::move(key), {}}, .target = target, .relation = Compare::Relation::equal, .number = number};
}

Compare value_is(std::string key, std::string value) {
    return {.keys = {std::move(key), {}},
            .target = Compare::Target::value,
            .relation = Compare::Relation::equal,
            .text = std::move(value)};
}

/// Mixes the bits of a session's number (the finalizer of SplitMix64), so that claims of many hosts start at different
/// slots.
std::uint64_t mixed(std::uint64_t number) {
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9U;
    number = (number ^ (number >> 27)) * 0x94D049BB133111EBU;
    return number ^ (number >> 31);
}

/// Returns the slots that the first transaction of a claim tries. `seed` selects the first of them if the limit permits
/// more than max_tries sessions.
std::vector<std::uint32_t> first_candidates(std::uint32_t limit, std::uint64_t seed, std::uint32_t previous) {
    std::vector<std::uint32_t> slots;
    if (previous != 0)
        slots.push_back(previous);
    const auto start = limit > max_tries ? static_cast<std::uint32_t>(mixed(seed) % limit) : 0;
    for (std::uint32_t offset = 0; offset < std::min(limit, max_tries); ++offset) {
        const std::uint32_t slot = (start + offset) % limit + 1;
        if (slot != previous)
            slots.push_back(slot);
    }
    return slots;
}

/// Returns the value of a slot that a session of this host occupies.
std::string slot_value(const Keys& keys, std::uint64_t session, std::int64_t since) {
    return encode(SlotRecord{.host = keys.host(), .session = session, .since = since});
}

} // namespace

Claim::Claim(const Keys& keys, Session session, std::int64_t lease, Previous previous)
    : keys_(keys), session_(std::move(session)), lease_(lease), previous_(previous),
      candidates_(first_candidates(session_.limit, session_.key ^ std::hash<std::string>{}(keys.host_record()),
                                   previous_.slot)) {}

/// Returns the condition that the record of the session is still as the caller has seen it.
Compare Claim::unrecorded() const {
    return number_is(keys_.session(session_.key), Compare::Target::modified, previous_.modified);
}

std::vector<Operation> Claim::puts(std::uint32_t slot) const {
    SessionRecord record = session_.record;
    record.slot = slot;
    return {Put{keys_.slot(record.user, slot), slot_value(keys_, session_.key, record.since), lease_},
            Put{keys_.session(session_.key), encode(record), lease_}};
}

Transaction Claim::transaction() const {
    return counted_ != 0 ? put_if_unchanged() : try_slots();
}

Transaction Claim::try_slots() const {
    const std::string& user = session_.record.user;
    // The innermost transaction is built first.
    Operation next = Get{keys_.slots(user), 0};
    for (auto slot = candidates_.rbegin(); slot != candidates_.rend(); ++slot) {
        Transaction attempt;
        attempt.conditions = {number_is(keys_.slot(user, *slot), Compare::Target::created, 0)};
        attempt.success = puts(*slot);
        attempt.failure = {std::move(next)};
        next = std::move(attempt);
    }
    if (previous_.slot != 0) {
        // The session may still occupy its slot, for example if only its own record is missing.
        Transaction own;
        own.conditions = {
            value_is(keys_.slot(user, previous_.slot), slot_value(keys_, session_.key, session_.record.since))};
        own.success = puts(previous_.slot);
        own.failure = {std::move(next)};
        next = std::move(own);
    }
    Transaction whole;
    whole.conditions = {unrecorded()};
    if (session_.enforced) {
        whole.conditions.push_back({.keys = keys_.slots(user, session_.limit + 1),
                                    .target = Compare::Target::created,
                                    .relation = Compare::Relation::equal});
    }
    whole.success = {std::move(next)};
    whole.failure = {Get{{keys_.session(session_.key), {}}, 0}, Get{keys_.slots(user), 0}};
    return whole;
}

/// Returns the transaction for a user with slots beyond the limit. It occupies a slot unless any slot of the user has
/// been occupied since they were counted. A slot that was released since then only makes the count lower.
Transaction Claim::put_if_unchanged() const {
    const std::string& user = session_.record.user;
    Transaction whole;
    whole.conditions = {unrecorded(),
                        {.keys = keys_.slots(user),
                         .target = Compare::Target::modified,
                         .relation = Compare::Relation::less,
                         .number = counted_ + 1}};
    // Nested, like the puts of try_slots(), so that etcd treats both in the same way at its quota.
    whole.success = {Transaction{.success = puts(candidates_.front())}};
    whole.failure = {Get{{keys_.session(session_.key), {}}, 0}, Get{keys_.slots(user), 0}};
    return whole;
}

std::optional<Claimed> Claim::on_reply(const TransactionReply& reply) {
    const auto granted = [&](std::uint32_t slot) {
        return Claimed{.outcome = Claimed::Outcome::granted, .slot = slot, .revision = reply.revision};
    };
    if (reply.succeeded.empty() || !reply.succeeded.front()) {
        return on_other_state(reply);
    }
    if (counted_ != 0) {
        return granted(candidates_.front());
    }
    const auto won = std::find(reply.succeeded.begin() + 1, reply.succeeded.end(), true);
    if (won == reply.succeeded.end()) {
        return choose(reply);
    }
    // The first nested transaction is the one for the slot that the session had, if it had one.
    const auto attempt = static_cast<std::size_t>(won - reply.succeeded.begin() - 1);
    const std::size_t own = previous_.slot != 0 ? 1 : 0;
    if (attempt < own) {
        return granted(previous_.slot);
    }
    return attempt - own < candidates_.size() ? std::optional(granted(candidates_[attempt - own])) : choose(reply);
}

/// Handles the reply if the session has a record, or if slots beyond the limit are occupied.
std::optional<Claimed> Claim::on_other_state(const TransactionReply& reply) {
    const std::string key = keys_.session(session_.key);
    const auto own = std::ranges::find(reply.found, key, &KeyValue::key);
    if (own == reply.found.end()) {
        previous_.modified = 0;
        return choose(reply);
    }
    const auto record = decode_session(own->value);
    if (record && record->user == session_.record.user && own->lease == lease_ && own->modified != previous_.modified) {
        return Claimed{.outcome = Claimed::Outcome::granted,
                       .slot = record->slot,
                       .since = record->since,
                       .revision = reply.revision};
    }
    // The record is the one that must be replaced, or it is not valid and only this host can have written it. One with
    // another lease is that of an earlier boot, and is deleted when its lease expires.
    previous_.modified = own->modified;
    return choose(reply);
}

/// Chooses the slots that the next transaction tries, from a reply that contains all slots of the user.
std::optional<Claimed> Claim::choose(const TransactionReply& reply) {
    Claimed result{.outcome = Claimed::Outcome::full, .revision = reply.revision};
    std::set<std::uint32_t> occupied;
    const KeyRange beyond = keys_.slots(session_.record.user, session_.limit + 1);
    bool is_beyond = false;
    for (const KeyValue& found : reply.found) {
        is_beyond |= found.key >= beyond.first && found.key < beyond.end; // a key that is not a slot included
        const auto slot = keys_.parse_slot(found.key);
        if (!slot || slot->user != session_.record.user) {
            continue;
        }
        occupied.insert(slot->slot);
        if (auto record = decode_slot(found.value)) {
            result.holders.push_back({slot->slot, *std::move(record)});
        }
    }
    result.count = static_cast<std::uint32_t>(occupied.size());
    if (session_.enforced && result.count >= session_.limit) {
        return result;
    }
    if (++rounds_ >= max_rounds) {
        result.outcome = Claimed::Outcome::contended;
        return result;
    }
    candidates_.clear();
    const std::uint32_t last = session_.enforced ? session_.limit : max_slot;
    for (std::uint32_t slot = 1; slot <= last && candidates_.size() < max_tries; ++slot) {
        if (!occupied.contains(slot)) {
            candidates_.push_back(slot);
        }
    }
    if (candidates_.empty()) { // All slots up to max_slot are occupied.
        return result;
    }
    if (session_.enforced && session_.limit > max_tries) {
        // Hosts that read the same slots do not all try them in the same order.
        const auto shift = mixed(session_.key + static_cast<std::uint64_t>(rounds_)) % candidates_.size();
        std::rotate(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(shift), candidates_.end());
    }
    counted_ = session_.enforced && is_beyond ? reply.revision : 0;
    return std::nullopt;
}

Transaction release(const Keys& keys, std::uint64_t session, const SessionRecord& record) {
    const std::string slot = keys.slot(record.user, record.slot);
    const Delete own{{keys.session(session), {}}};
    Transaction whole;
    whole.conditions = {value_is(slot, slot_value(keys, session, record.since))};
    whole.success = {Delete{{slot, {}}}, own};
    whole.failure = {own};
    return whole;
}

} // namespace sesslimit::fleet
