// SPDX-License-Identifier: MIT
#include "fleet/protocol.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/frames.hpp"

#include <cstring>

namespace sesslimit::fleet::wire {
namespace {

using namespace std::string_view_literals;
using sesslimit::wire::encode_error;
using sesslimit::wire::encoded;
using sesslimit::wire::error_of;
using sesslimit::wire::Frame;
using sesslimit::wire::Hand;

ClaimFrame claim() {
    ClaimFrame frame;
    frame.session = 7;
    frame.user = "alice";
    frame.limit = 3;
    frame.since = 1700000000;
    frame.origin = "::1";
    frame.enforced = false;
    return frame;
}

/// Returns the frame of this protocol with the fields that are written by hand from docs/fleet-protocol.md.
Frame frame_of(const Hand& hand, std::uint16_t in_version = 1) {
    Frame frame = hand.frame();
    std::memcpy(frame.data(), "SLFL", 4);
    std::memcpy(&frame[4], &in_version, sizeof in_version);
    return frame;
}

SESSLIMIT_TEST(frames_have_the_documented_layout) {
    const Frame by_hand = frame_of(Hand(2)
                                       .number(1, std::uint64_t{7})
                                       .field(2, "alice")
                                       .number(3, std::uint32_t{3})
                                       .number(4, std::uint64_t{1700000000})
                                       .field(7, "::1")
                                       .number(9, std::uint8_t{0}));
    EXPECT(encoded(claim()) == by_hand, "claim");
    const auto read = decode<ClaimFrame>(by_hand);
    EXPECT(read && read->session == 7 && read->user == "alice" && read->limit == 3 && read->origin == "::1" &&
               !read->enforced,
           "decoded");
    ListedFrame listed;
    listed.session = 7;
    listed.user = "alice";
    listed.limit = 3;
    listed.since = 1700000000;
    listed.service = "sshd";
    listed.tty = "pts/1";
    listed.origin = "::1";
    listed.rule = "all";
    listed.uid = 1000;
    EXPECT(encoded(listed) == frame_of(Hand(3)
                                           .number(1, std::uint64_t{7})
                                           .field(2, "alice")
                                           .number(3, std::uint32_t{3})
                                           .number(4, std::uint64_t{1700000000})
                                           .field(5, "sshd")
                                           .field(6, "pts/1")
                                           .field(7, "::1")
                                           .field(8, "all")
                                           .number(10, std::uint32_t{1000})),
           "listed");
    const auto with_uid = decode<ListedFrame>(encoded(listed));
    EXPECT(with_uid && with_uid->uid == 1000U && !read->uid, "the user ID is optional");
    listed.uid = ~std::uint32_t{0};
    EXPECT(encode_error(listed) == WireError::bad_field, "not a user ID");
    EXPECT(encoded(Hello{.policy = "d"}) == frame_of(Hand(1).field(1, "d")), "hello");
    EXPECT(encoded(ListEnd{}) == frame_of(Hand(4)), "end of the list");
    EXPECT(encoded(ReleaseFrame{.session = 7}) == frame_of(Hand(5).number(1, std::uint64_t{7})), "release");
    EXPECT(encoded(EndedFrame{.order = 7, .count = 2}) ==
               frame_of(Hand(6).number(1, std::uint64_t{7}).number(2, std::uint32_t{2})),
           "ended");
    EXPECT(encoded(StateFrame{.up = false, .reason = "no reply"}) ==
               frame_of(Hand(17).number(1, std::uint8_t{0}).field(2, "no reply")),
           "state");
    EXPECT(encoded(OverLimitFrame{.session = 7}) == frame_of(Hand(18).number(1, std::uint64_t{7})), "over the limit");
    EXPECT(encoded(RepairingFrame{.count = 2}) == frame_of(Hand(19).number(1, std::uint32_t{2})), "repairing");
    const EndFrame end{
        .order = 7, .what = EndOrder::Kind::credential, .subject = "key", .by = "root", .reason = "leaked"};
    EXPECT(encoded(end) == frame_of(Hand(20)
                                        .number(1, std::uint64_t{7})
                                        .number(2, std::uint8_t{2})
                                        .field(3, "key")
                                        .field(4, "root")
                                        .field(5, "leaked")),
           "end");
}

SESSLIMIT_TEST(an_answer_names_holders) {
    AnswerFrame answer;
    answer.session = 7;
    answer.outcome = Outcome::full;
    answer.count = 40;
    answer.holder_count = max_holders;
    const std::string host(max_name, 'x');
    answer.holders.fill({host, 5});
    const Frame frame = encoded(answer);
    const auto read = decode<AnswerFrame>(frame);
    EXPECT(read && read->holder_count == max_holders && read->holders[15].host == host && read->holders[15].since == 5,
           "16 holders");

    answer.count = 15;
    EXPECT(encode_error(answer) == WireError::bad_field, "more holders than slots");
    answer.count = 40;
    answer.outcome = Outcome::granted;
    EXPECT(encode_error(answer) == WireError::bad_field, "granted, with holders");
    answer.outcome = Outcome::full;
    answer.holders[3].host = "a/b";
    EXPECT(encode_error(answer) == WireError::bad_field, "an invalid name");
    const auto with_holders = [](std::string_view holders) {
        return error_of(decode<AnswerFrame>(frame_of(Hand(16)
                                                         .number(1, std::uint64_t{7})
                                                         .number(2, std::uint8_t{2})
                                                         .number(3, std::uint32_t{3})
                                                         .field(4, holders))));
    };
    EXPECT(!with_holders("\5\0\0\0\0\0\0\0\1a"sv), "one holder");
    EXPECT(with_holders(""sv) == WireError::bad_field, "none");
    EXPECT(with_holders("\5\0\0\0\0\0\0\0\2a"sv) == WireError::bad_field, "a name that is cut");
    EXPECT(with_holders("\5\0\0\0\0\0\0\0"sv) == WireError::bad_field, "no name");
    EXPECT(with_holders("\5\0\0\0\0\0\0\0\0"sv) == WireError::bad_field, "an empty name");
}

SESSLIMIT_TEST(invalid_frames_are_rejected) {
    const auto release = [](const Hand& hand, std::uint16_t in_version = 1) {
        return error_of(decode<ReleaseFrame>(frame_of(hand, in_version)));
    };
    const auto valid = [](std::uint16_t kind) { return Hand(kind).number(1, std::uint64_t{7}); };
    EXPECT(!release(valid(5).field(99, "x")), "an unknown field is ignored");
    EXPECT(release(Hand(5)) == WireError::missing, "no session");
    EXPECT(release(Hand(5).number(1, std::uint64_t{0})) == WireError::bad_field, "session 0");
    EXPECT(release(Hand(5).number(1, std::uint32_t{7})) == WireError::bad_field, "4 bytes");
    EXPECT(release(valid(5).number(1, std::uint64_t{7})) == WireError::repeated, "twice");
    EXPECT(release(valid(6)) == WireError::unknown_kind, "another kind");
    EXPECT(release(valid(5), 2) == WireError::other_version, "another version");
    EXPECT(error_of(decode<ReleaseFrame>(valid(5).frame())) == WireError::not_ours, "of the PAM module");
    ClaimFrame bad = claim();
    bad.limit = max_limit + 1;
    EXPECT(encode_error(bad) == WireError::bad_field, "a limit that is too high");
    bad = claim();
    const std::string name(max_user + 1, 'x');
    bad.user = name;
    EXPECT(encode_error(bad) == WireError::too_long, "a name that is too long");
    bad.user = {};
    EXPECT(encode_error(bad) == WireError::bad_field, "no name");
    EXPECT(kind_of(frame_of(Hand(7))).error() == WireError::unknown_kind &&
               kind_of(frame_of(Hand(15))).error() == WireError::unknown_kind,
           "unknown kinds");
}

SESSLIMIT_TEST(truncated_and_changed_frames_are_decoded_safely) {
    const EndFrame end{
        .order = 3, .what = EndOrder::Kind::credential, .subject = "SHA256:x", .by = "root", .reason = "leaked"};
    for (const Frame& frame : {encoded(claim()), encoded(end)}) {
        for (std::size_t at = 0; at < frame.size(); ++at) {
            const Frame cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(at));
            EXPECT(error_of(decode<ClaimFrame>(cut)) == WireError::truncated, std::to_string(at));
            for (int value = 0; value < 256; ++value) {
                Frame changed = frame;
                changed[at] = static_cast<std::byte>(value);
                const auto read = decode<ClaimFrame>(changed);
                EXPECT(!read || !encode_error(*read), std::to_string(at));
                const auto order = decode<EndFrame>(changed);
                EXPECT(!order || !encode_error(*order), std::to_string(at));
            }
        }
    }
}

} // namespace
} // namespace sesslimit::fleet::wire
