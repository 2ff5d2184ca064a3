// SPDX-License-Identifier: MIT
#include "fleet/protocol.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <cstring>
#include <vector>

namespace sesslimit::fleet::wire {
namespace {

using Frame = std::vector<std::byte>;

template <class Message>
Frame encoded(const Message& message) {
    Frame out(max_frame);
    const auto size = encode(message, out);
    out.resize(size.value_or(0));
    return out;
}

template <class Message>
std::optional<WireError> encode_error(const Message& message) {
    Frame out(max_frame);
    const auto size = encode(message, out);
    return size ? std::nullopt : std::optional(size.error());
}

template <class Message>
std::optional<WireError> error_of(const Frame& frame) {
    const auto message = decode<Message>(frame);
    return message ? std::nullopt : std::optional(message.error());
}

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

/// A frame that is written by hand from docs/fleet-protocol.md.
struct Hand {
    Frame bytes;
    Hand& raw(const void* data, std::size_t size) {
        const auto* first = static_cast<const std::byte*>(data);
        bytes.insert(bytes.end(), first, first + size);
        return *this;
    }
    template <class Number>
    Hand& number(Number value) {
        return raw(&value, sizeof value);
    }
    Hand& field(std::uint16_t tag, std::string_view value) {
        return number(tag).number(static_cast<std::uint16_t>(value.size())).raw(value.data(), value.size());
    }
    template <class Number>
    Hand& field(std::uint16_t tag, Number value) {
        return number(tag).number(static_cast<std::uint16_t>(sizeof value)).number(value);
    }
    [[nodiscard]] Frame frame(std::uint16_t kind, std::uint16_t in_version = 1) const {
        Hand whole;
        whole.raw("SLFL", 4)
            .number(in_version)
            .number(kind)
            .number(static_cast<std::uint32_t>(bytes.size()))
            .raw(bytes.data(), bytes.size());
        return whole.bytes;
    }
};

SESSLIMIT_TEST(frames_have_the_documented_layout) {
    const Frame by_hand = Hand()
                              .field(1, std::uint64_t{7})
                              .field(2, std::string_view("alice"))
                              .field(3, std::uint32_t{3})
                              .field(4, std::uint64_t{1700000000})
                              .field(7, std::string_view("::1"))
                              .field(9, std::uint8_t{0})
                              .frame(2);
    EXPECT(encoded(claim()) == by_hand, "claim");
    const auto read = decode<ClaimFrame>(by_hand);
    EXPECT(read && read->session == 7 && read->user == "alice" && read->limit == 3 && read->origin == "::1" &&
               !read->enforced,
           "decoded");
    EXPECT(encoded(ListEnd{}) == Hand().frame(4), "end of the list");
    EXPECT(encoded(StateFrame{.up = true, .reason = {}}) == Hand().field(1, std::uint8_t{1}).frame(17), "state");
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
        return error_of<AnswerFrame>(Hand()
                                         .field(1, std::uint64_t{7})
                                         .field(2, std::uint8_t{2})
                                         .field(3, std::uint32_t{3})
                                         .field(4, holders)
                                         .frame(16));
    };
    using namespace std::string_view_literals;
    EXPECT(!with_holders("\5\0\0\0\0\0\0\0\1a"sv), "one holder");
    EXPECT(with_holders(""sv) == WireError::bad_field, "none");
    EXPECT(with_holders("\5\0\0\0\0\0\0\0\2a"sv) == WireError::bad_field, "a name that is cut");
    EXPECT(with_holders("\5\0\0\0\0\0\0\0"sv) == WireError::bad_field, "no name");
    EXPECT(with_holders("\5\0\0\0\0\0\0\0\0"sv) == WireError::bad_field, "an empty name");
}

SESSLIMIT_TEST(invalid_frames_are_rejected) {
    const auto release = [](const Hand& hand) { return error_of<ReleaseFrame>(hand.frame(5)); };
    EXPECT(!release(Hand().field(1, std::uint64_t{7}).field(99, std::string_view("x"))), "an unknown field is ignored");
    EXPECT(release(Hand()) == WireError::missing, "no session");
    EXPECT(release(Hand().field(1, std::uint64_t{0})) == WireError::bad_field, "session 0");
    EXPECT(release(Hand().field(1, std::uint32_t{7})) == WireError::bad_field, "4 bytes");
    EXPECT(release(Hand().field(1, std::uint64_t{7}).field(1, std::uint64_t{7})) == WireError::repeated, "twice");
    const Hand valid = Hand().field(1, std::uint64_t{7});
    EXPECT(error_of<ReleaseFrame>(valid.frame(6)) == WireError::unknown_kind, "another kind");
    EXPECT(error_of<ReleaseFrame>(valid.frame(5, 2)) == WireError::other_version, "another version");
    Frame pam = valid.frame(5);
    std::memcpy(pam.data(), "SLIM", 4);
    EXPECT(error_of<ReleaseFrame>(pam) == WireError::not_ours, "of the PAM module");
    ClaimFrame bad = claim();
    bad.limit = max_limit + 1;
    EXPECT(encode_error(bad) == WireError::bad_field, "a limit that is too high");
    bad = claim();
    const std::string name(max_user + 1, 'x');
    bad.user = name;
    EXPECT(encode_error(bad) == WireError::too_long, "a name that is too long");
    bad.user = {};
    EXPECT(encode_error(bad) == WireError::bad_field, "no name");
    EXPECT(kind_of(Hand().frame(7)).error() == WireError::unknown_kind &&
               kind_of(Hand().frame(15)).error() == WireError::unknown_kind,
           "unknown kinds");
}

SESSLIMIT_TEST(truncated_and_changed_frames_are_decoded_safely) {
    const EndFrame end{
        .order = 3, .what = EndOrder::Kind::credential, .subject = "SHA256:x", .by = "root", .reason = "leaked"};
    for (const Frame& frame : {encoded(claim()), encoded(end)}) {
        for (std::size_t at = 0; at < frame.size(); ++at) {
            const Frame cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(at));
            EXPECT(error_of<ClaimFrame>(cut) == WireError::truncated, std::to_string(at));
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
