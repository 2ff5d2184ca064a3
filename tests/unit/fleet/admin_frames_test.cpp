// SPDX-License-Identifier: MIT
#include "fleet/admin_protocol.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/frames.hpp"

#include <cstring>

namespace sesslimit::fleet::admin {
namespace {

using sesslimit::wire::encode_error;
using sesslimit::wire::encoded;
using sesslimit::wire::error_of;
using sesslimit::wire::Frame;
using sesslimit::wire::Hand;

/// Returns the frame of this protocol with the fields that are written by hand from docs/fleet-protocol.md.
Frame frame_of(const Hand& hand) {
    Frame frame = hand.frame();
    std::memcpy(frame.data(), "SLFL", 4);
    return frame;
}

constexpr std::uint64_t n8(std::uint64_t number) {
    return number;
}
constexpr std::uint32_t n4(std::uint32_t number) {
    return number;
}
constexpr std::uint8_t n1(std::uint8_t number) {
    return number;
}

const NodeRow node{.endpoint = "n1:2379",
                   .reachable = true,
                   .problem = "p",
                   .version = "3.6.0",
                   .leader = true,
                   .member = 1,
                   .size = 2,
                   .in_use = 3,
                   .quota = 4,
                   .revision = 5,
                   .raft_index = 6,
                   .raft_applied = 7,
                   .latency_us = 8};
const SessionRow session{.host = "web1",
                         .session = 7,
                         .user = {},
                         .uid = 1000,
                         .slot = 2,
                         .since = 5,
                         .service = "sshd",
                         .tty = "pts/1",
                         .origin = "::1",
                         .rule = "all"};

SESSLIMIT_TEST(admin_frames_have_the_documented_layout) {
    struct Case {
        const char* name;
        Frame frame;
        Frame by_hand;
    };
    const Case cases[] = {
        {"list", encoded(List{.user = "alice", .uid = 1000}), frame_of(Hand(32).field(1, "alice").number(2, n4(1000)))},
        {"list of all", encoded(List{}), frame_of(Hand(32))},
        {"hosts", encoded(Hosts{}), frame_of(Hand(33))},
        {"status", encoded(Status{}), frame_of(Hand(34))},
        {"end", encoded(End{.subject = "alice", .uid = 1000, .by = "root", .reason = "locked", .timeout_ms = 7}),
         frame_of(Hand(35)
                      .number(1, n1(1))
                      .field(2, "alice")
                      .number(3, n4(1000))
                      .field(4, "root")
                      .field(5, "locked")
                      .number(6, n4(7)))},
        {"drain", encoded(Drain{.by = "root"}), frame_of(Hand(36).field(1, "root"))},
        {"forget", encoded(Forget{.host = "a", .by = "root"}), frame_of(Hand(37).field(1, "a").field(2, "root"))},
        {"session", encoded(session),
         frame_of(Hand(48)
                      .field(1, "web1")
                      .number(2, n8(7))
                      .number(4, n4(1000))
                      .number(5, n4(2))
                      .number(6, n8(5))
                      .field(7, "sshd")
                      .field(8, "pts/1")
                      .field(9, "::1")
                      .field(10, "all"))},
        {"host", encoded(HostRow{.name = "a", .is_this = true, .version = "1", .policy = "d", .sessions = 3}),
         frame_of(Hand(49).field(1, "a").number(2, n1(1)).field(3, "1").field(4, "d").number(5, n4(3)))},
        {"state",
         encoded(StateRow{.fleet = "f",
                          .host = "a",
                          .version = "1",
                          .up = false,
                          .reason = "r",
                          .by_uid = true,
                          .lease = 9,
                          .ttl = 30,
                          .sessions = 2}),
         frame_of(Hand(50)
                      .field(1, "f")
                      .field(2, "a")
                      .field(3, "1")
                      .number(4, n1(0))
                      .field(5, "r")
                      .number(6, n1(1))
                      .number(7, n8(9))
                      .number(8, n4(30))
                      .number(9, n4(2)))},
        {"node", encoded(node),
         frame_of(Hand(51)
                      .field(1, "n1:2379")
                      .number(2, n1(1))
                      .field(3, "p")
                      .field(4, "3.6.0")
                      .number(5, n1(1))
                      .number(6, n8(1))
                      .number(7, n8(2))
                      .number(8, n8(3))
                      .number(9, n8(4))
                      .number(10, n8(5))
                      .number(11, n8(6))
                      .number(12, n8(7))
                      .number(13, n4(8)))},
        {"alarm", encoded(AlarmRow{.type = AlarmRow::Type::no_space, .member = 5}),
         frame_of(Hand(52).number(1, n1(1)).number(2, n8(5)))},
        {"ended", encoded(EndedRow{.host = "a", .answered = true, .count = 2}),
         frame_of(Hand(53).field(1, "a").number(2, n1(1)).number(3, n4(2)))},
        {"done", encoded(Done{.code = Done::Code::not_allowed, .text = "t"}),
         frame_of(Hand(54).number(1, n1(2)).field(2, "t"))},
    };
    for (const Case& one : cases) {
        EXPECT(!one.frame.empty() && one.frame == one.by_hand, one.name);
        const bool is_request = decode_request(one.frame).has_value();
        EXPECT(is_request != decode_row(one.frame).has_value(), one.name);
    }
    const Frame frame = encoded(session); // the texts of `read` are views into it
    const auto read = decode<SessionRow>(frame);
    EXPECT(read && read->uid == 1000U && read->origin == "::1" && read->slot == 2, "decoded");
}

SESSLIMIT_TEST(admin_frames_with_inconsistent_fields_are_rejected) {
    SessionRow both = session;
    both.user = "alice";
    SessionRow neither = session;
    neither.uid.reset();
    EXPECT(encode_error(both) == WireError::bad_field && encode_error(neither) == WireError::bad_field, "one user");
    EXPECT(encode_error(End{.by = "root"}) == WireError::bad_field, "no user");
    EXPECT(encode_error(End{.what = EndOrder::Kind::credential, .subject = "c", .uid = 1, .by = "root"}) ==
               WireError::bad_field,
           "a credential with a user ID");
    EXPECT(encode_error(End{.subject = "a", .by = "root", .timeout_ms = max_timeout_ms + 1}) == WireError::bad_field,
           "timeout");
    EXPECT(encode_error(EndedRow{.host = "a", .answered = false, .count = 1}) == WireError::bad_field, "no answer");
    EXPECT(error_of(decode<End>(frame_of(Hand(35).number(1, n1(1)).field(4, "x").number(6, n4(5))))) ==
               WireError::bad_field,
           "decoded without a user");
    EXPECT(error_of(decode<Drain>(frame_of(Hand(36)))) == WireError::missing, "no administrator");
    EXPECT(error_of(decode_request(frame_of(Hand(48)))) == WireError::unknown_kind &&
               error_of(decode_row(frame_of(Hand(32)))) == WireError::unknown_kind,
           "of the other side");
    for (const std::uint16_t kind :
         {std::uint16_t{1}, std::uint16_t{31}, std::uint16_t{38}, std::uint16_t{47}, std::uint16_t{55}}) {
        EXPECT(error_of(kind_of(frame_of(Hand(kind)))) == WireError::unknown_kind, std::to_string(kind));
    }
}

SESSLIMIT_TEST(changed_admin_frames_are_decoded_safely) {
    for (const Frame& frame : {encoded(session), encoded(node), encoded(End{.subject = "a", .by = "root"})}) {
        for (std::size_t at = 0; at < frame.size(); ++at) {
            const Frame cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(at));
            EXPECT(!decode_request(cut) && !decode_row(cut), std::to_string(at));
            for (int value = 0; value < 256; ++value) {
                Frame changed = frame;
                changed[at] = static_cast<std::byte>(value);
                Frame out(max_frame);
                const auto request = decode_request(changed);
                EXPECT(!request || encode_any(*request, out), std::to_string(at));
                const auto row = decode_row(changed);
                EXPECT(!row || encode_any(*row, out), std::to_string(at));
            }
        }
    }
}

} // namespace
} // namespace sesslimit::fleet::admin
