// SPDX-License-Identifier: MIT
// A key and a value from the store, separated by a newline: the decoded records, and the comparison with a session.
#include "fleet/sync.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

namespace sesslimit::fleet {
namespace {

using fuzz::must;

template <class Record>
void goes_back(std::string_view value, std::optional<Record> (*decode)(std::string_view)) {
    if (const auto record = decode(value)) {
        must(value.size() <= max_record, "a record is bounded");
        const std::string again = encode(*record);
        must(again.size() <= max_record, "an encoded record is bounded");
        must(decode(again) == record, "an encoded record is decoded to the same record");
    }
}

void check_names(const Keys& keys, std::string_view key, std::string_view value) {
    must(unescape_name(escape_name(value)) == value, "an escaped name is unescaped to the same name");
    if (const auto name = unescape_name(value)) {
        must(escape_name(*name) == value, "only the canonical form of a name is accepted");
    }
    if (const auto slot = keys.parse_slot(key)) {
        must(keys.slot(slot->user, slot->slot) == key, "a parsed key of a slot is created again");
        const KeyRange range = keys.slots(slot->user);
        must(key > range.first && key < range.end, "a slot is in the range of its user");
    }
    if (const auto session = keys.parse_session(key)) {
        must(keys.session(*session) == key, "a parsed key of a session is created again");
    }
    if (const auto session = keys.parse_any_session(key)) {
        must(keys.session_of(session->host, session->number) == key, "as is that of a session of any host");
    }
    if (const auto ack = keys.parse_any_ack(key)) {
        must(keys.ack_of(ack->host, ack->number) == key, "and that of an acknowledgment");
    }
    if (const auto host = keys.parse_host(key)) {
        must(Keys("f", *host).host_record() == key, "and that of a host");
    }
}

/// Compares the session 7 with a store that contains only this key.
void check_comparison(const Keys& keys, std::string_view key, std::string_view value) {
    const StoredRecords stored{5, {{std::string(key), std::string(value), 4, 4, 1}}, {std::string(key)}};
    const SyncPlan plan = compare(keys, stored, {{7, {"alice", 1, 3, false}}}, 1);
    must(plan.repair.size() + plan.release.size() + plan.discard.size() <= 3, "at most one change for each object");
    for (const SyncPlan::Repair& repair : plan.repair) {
        must(repair.session == 7, "only sessions are recorded");
    }
    for (const SyncPlan::Release& extra : plan.release) {
        must(keys.session(extra.session) == key, "only the record that was read is released");
    }
}

} // namespace
} // namespace sesslimit::fleet

namespace sesslimit::fuzz {

void one_input(std::span<const std::uint8_t> bytes) {
    Input input(bytes);
    const std::string_view key = input.part('\n');
    const std::string_view value = text_of(input.rest());
    const fleet::Keys keys("f", "me");
    fleet::goes_back(value, fleet::decode_slot);
    fleet::goes_back(value, fleet::decode_session);
    fleet::goes_back(value, fleet::decode_host);
    fleet::goes_back(value, fleet::decode_order);
    fleet::goes_back(value, fleet::decode_ack);
    fleet::check_names(keys, key, value);
    fleet::check_comparison(keys, key, value);
}

} // namespace sesslimit::fuzz
