// SPDX-License-Identifier: MIT
#include "fleet/record.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <limits>

namespace sesslimit::fleet {
namespace {

SESSLIMIT_TEST(records_are_encoded_as_documented) {
    EXPECT_TEXT(encode(SlotRecord{"web-1", 7, 1700000000}), "host=web-1&session=7&since=1700000000");
    EXPECT_TEXT(
        encode(SessionRecord{
            .user = "a&b", .slot = 2, .since = 5, .service = "sshd", .tty = "pts/1", .origin = "::1", .rule = {}}),
        "user=a%26b&slot=2&since=5&service=sshd&tty=pts%2F1&origin=%3A%3A1");
    EXPECT_TEXT(encode(HostRecord{"m", "b", "0.1.0", {}}), "machine=m&boot=b&version=0.1.0");
    EXPECT_TEXT(encode(EndOrder{EndOrder::Kind::credential, "SHA256:x/y", "root", "leaked key", {}}),
                "credential=SHA256%3Ax%2Fy&by=root&reason=leaked%20key");
    EXPECT_TEXT(encode(EndOrder{.subject = "alice", .by = "root", .spread = std::chrono::seconds(2)}),
                "user=alice&by=root&spread=2000");
}

SESSLIMIT_TEST(the_longest_records_are_decoded) {
    const auto worst = [](std::size_t size) { return std::string(size, '\xFF'); };
    constexpr std::int64_t latest = std::int64_t{1} << 62;
    const SlotRecord slot{std::string(max_name, 'x'), std::numeric_limits<std::uint64_t>::max(), latest};
    EXPECT(decode_slot(encode(slot)) == slot, "slot");
    const SessionRecord session{.user = worst(max_user),
                                .slot = max_slot,
                                .since = latest,
                                .service = worst(max_service),
                                .tty = worst(max_tty),
                                .origin = worst(max_origin),
                                .rule = worst(max_rule)};
    EXPECT(decode_session(encode(session)) == session, "session");
    const HostRecord host{worst(max_id), worst(max_id), worst(max_id), worst(max_id)};
    EXPECT(decode_host(encode(host)) == host, "host");
    const EndOrder order{EndOrder::Kind::user, worst(max_user), worst(max_user), worst(max_reason), max_spread};
    EXPECT(decode_order(encode(order)) == order, "order");
    EXPECT(decode_ack(encode(AckRecord{7})) == AckRecord{7} && !decode_ack("count=-1"), "acknowledgment");
}

SESSLIMIT_TEST(unknown_fields_are_ignored) {
    EXPECT(decode_slot("new=1&session=7&host=a&since=0").has_value(), "an unknown field, in another order");
    EXPECT(decode_host("machine=m&boot=b&=x").has_value(), "without a name");
}

SESSLIMIT_TEST(invalid_values_are_rejected) {
    for (const std::string_view value : {"",
                                         "host=a",
                                         "host=a&session=7",
                                         "session=7&since=0",
                                         "host=a&session=0&since=0",
                                         "host=a&session=07&since=0",
                                         "host=a&session=+7&since=0",
                                         "host=a&session=7&since=-1",
                                         "host=a&session=7&since=x",
                                         "host=&session=7&since=0",
                                         "host=a%2Fb&session=7&since=0",
                                         "host=a&host=a&session=7&since=0",
                                         "host=a&session=7&since=0&",
                                         "host=a&&session=7&since=0",
                                         "host=a&session=18446744073709551616&since=0",
                                         "host=a&session=7&since=4611686018427387905",
                                         "host=a&session=7&since=9223372036854775808",
                                         "host=a&session&since=0",
                                         "host=a&session=7&since=0&x=%",
                                         "host=a&session=7&since=0&x=%41",
                                         "host=a b&session=7&since=0"}) {
        EXPECT(!decode_slot(value), value);
    }
    for (const std::string_view value : {"user=a&slot=0&since=0", "user=a&slot=10000&since=0", "slot=1&since=0",
                                         "user=a%00b&slot=1&since=0", "user=a&slot=1&since=0&tty="}) {
        EXPECT(!decode_session(value), value);
    }
    EXPECT(!decode_session("slot=1&since=0&user=" + std::string(max_user + 1, 'x')), "too long");
    EXPECT(!decode_slot("host=a&session=7&since=0&x=" + std::string(max_record, 'x')), "too long as a whole");
    for (const std::string_view value :
         {"by=root", "user=a", "user=a&credential=b&by=root", "user=&by=root", "user=a&by=", "user=a&by=b&spread=0",
          "user=a&by=b&spread=-1", "user=a&by=b&spread=60001", "user=a&by=b&spread=01",
          "user=a&by=b&spread=", "user=a&by=b&spread=1s", "user=a&by=b&spread=99999999999999999999"}) {
        EXPECT(!decode_order(value), value);
    }
}

} // namespace
} // namespace sesslimit::fleet
