// SPDX-License-Identifier: MIT
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/frames.hpp"

#include <optional>
#include <vector>

namespace sesslimit::wire {
namespace {

SESSLIMIT_TEST(decode_wait_rejects_invalid_frames) {
    EXPECT(encode_error(Wait{0}) == WireError::bad_field, "no time");
    EXPECT(encode_error(Wait{max_wait_ms + 1}) == WireError::bad_field, "too long");
    const auto error = [](const Hand& hand) { return error_of(decode_wait(hand.frame())); };
    EXPECT(error(Hand(4)) == WireError::missing, "nothing in it");
    EXPECT(error(Hand(4).number(1, std::uint32_t{0})) == WireError::bad_field, "no time");
    EXPECT(error(Hand(4).number(1, max_wait_ms + 1)) == WireError::bad_field, "too long");
    EXPECT(error(Hand(4).number(1, std::uint64_t{5})) == WireError::bad_field, "8 bytes");
    EXPECT(error(verdict_by_hand(5)) == WireError::unknown_kind, "a verdict");
    EXPECT(error_of(decode_verdict(encoded(Wait{5}))) == WireError::unknown_kind, "a wait is not a verdict");
}

/// Returns one frame of every kind, small enough to modify at every byte.
std::vector<Frame> samples() {
    OpenRequest request = least_open();
    request.tty = "pts/1";
    request.nested = true;
    request.auth_info = "publickey x";
    return {encoded(request), encoded(CloseRequest{77}),
            encoded(Verdict{.outcome = Outcome::admitted, .session = 5, .text = "hello"}),
            encoded(Verdict{.outcome = Outcome::denied, .session = 0, .text = "no\nmore"})};
}

/// Returns true if each of the three decoders returns an error or a value that can be encoded again.
bool all_sound(std::span<const std::byte> bytes) {
    // A separate allocation, so that a sanitizer detects a read beyond the end.
    const Frame frame(bytes.begin(), bytes.end());
    const auto open = decode_open(frame);
    const auto close = decode_close(frame);
    const auto verdict = decode_verdict(frame);
    return (!open || !encode_error(*open)) && (!close || !encode_error(*close)) &&
           (!verdict || !encode_error(*verdict)) &&
           int{open.has_value()} + close.has_value() + verdict.has_value() <= 1;
}

SESSLIMIT_TEST(truncated_frames_rejected) {
    for (const Frame& frame : samples()) {
        for (std::size_t size = 0; size < frame.size(); ++size) {
            const Frame cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT(error_of(kind_of(cut)) == WireError::truncated, std::to_string(size));
            EXPECT(error_of(decode_open(cut)) == WireError::truncated, std::to_string(size));
            EXPECT(error_of(decode_close(cut)) == WireError::truncated, std::to_string(size));
            EXPECT(error_of(decode_verdict(cut)) == WireError::truncated, std::to_string(size));
        }
    }
}

SESSLIMIT_TEST(truncated_frames_with_matching_length_decoded_safely) {
    for (const Frame& frame : samples()) {
        for (std::size_t size = 12; size < frame.size(); ++size) {
            Frame cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
            const auto length = static_cast<std::uint32_t>(size - 12);
            std::memcpy(cut.data() + 8, &length, sizeof length);
            EXPECT(all_sound(cut), std::to_string(size));
        }
    }
}

SESSLIMIT_TEST(frames_with_any_byte_changed_decoded_safely) {
    for (const Frame& frame : samples()) {
        for (std::size_t at = 0; at < frame.size(); ++at) {
            for (int value = 0; value < 256; ++value) {
                Frame changed = frame;
                changed[at] = static_cast<std::byte>(value);
                EXPECT(all_sound(changed), std::to_string(at));
            }
        }
    }
}

struct BadOpen {
    const char* name;
    Frame frame;
    WireError error;
};

SESSLIMIT_TEST(decode_open_rejects_invalid_frames) {
    const BadOpen table[] = {
        {"nothing in it", Hand(1).frame(), WireError::missing},
        {"user twice", open_by_hand().field(1, "bob").frame(), WireError::repeated},
        {"tty twice", open_by_hand().field(6, "a").field(6, "a").frame(), WireError::repeated},
        {"empty tty", open_by_hand().field(6, "").frame(), WireError::bad_field},
        {"NUL in tty", open_by_hand().field(6, std::string_view("a\0", 2)).frame(), WireError::bad_field},
        {"tty too long", open_by_hand().field(6, std::string(max_tty + 1, 't')).frame(), WireError::too_long},
        {"flags of 2 bytes", open_by_hand().field(4, "ab").frame(), WireError::bad_field},
        {"half a field header", open_by_hand().raw("abc").frame(), WireError::truncated},
        {"a field beyond the end", open_by_hand().raw(std::string_view("\6\0\2\0x", 5)).frame(), WireError::truncated},
    };
    for (const BadOpen& row : table) {
        EXPECT(error_of(decode_open(row.frame)) == row.error, row.name);
    }
}

/// Returns a handmade open request with one of its five mandatory fields omitted or replaced.
Frame open_with(std::uint16_t tag, std::optional<std::string> value) {
    const std::uint32_t uid = 1000;
    const std::uint32_t gid = 100;
    const std::uint32_t budget = 2000;
    const auto text = [](const std::uint32_t& number) {
        return std::string(reinterpret_cast<const char*>(&number), sizeof number);
    };
    Hand hand(1);
    const std::pair<std::uint16_t, std::string> musts[] = {
        {1, "alice"}, {2, text(uid)}, {3, text(gid)}, {5, "sshd"}, {11, text(budget)}};
    for (const auto& [must, good] : musts) {
        if (must != tag) {
            hand.field(must, good);
        } else if (value) {
            hand.field(tag, *value);
        }
    }
    return hand.frame();
}

SESSLIMIT_TEST(decode_open_requires_mandatory_fields) {
    for (const std::uint16_t tag : std::initializer_list<std::uint16_t>{1, 2, 3, 5, 11}) {
        EXPECT(error_of(decode_open(open_with(tag, std::nullopt))) == WireError::missing, std::to_string(tag));
        EXPECT(error_of(decode_open(open_with(tag, ""))) == WireError::bad_field, std::to_string(tag));
    }
    const std::string all_ones(4, '\xff');
    EXPECT(error_of(decode_open(open_with(1, std::string(256, 'u')))) == WireError::too_long, "user");
    EXPECT(error_of(decode_open(open_with(2, all_ones))) == WireError::bad_field, "uid -1");
    EXPECT(error_of(decode_open(open_with(2, "abc"))) == WireError::bad_field, "uid of 3 bytes");
    EXPECT(error_of(decode_open(open_with(3, "abcde"))) == WireError::bad_field, "gids of 5 bytes");
    EXPECT(error_of(decode_open(open_with(3, std::string(4 * (max_gids + 1), 'g')))) == WireError::too_long, "gids");
    EXPECT(error_of(decode_open(open_with(11, std::string(4, '\0')))) == WireError::bad_field, "no budget");
    EXPECT(error_of(decode_open(open_with(11, all_ones))) == WireError::bad_field, "budget of weeks");
}

SESSLIMIT_TEST(decode_verdict_rejects_invalid_frames) {
    const auto error = [](const Hand& hand) { return error_of(decode_verdict(hand.frame())); };
    EXPECT(error(Hand(3)) == WireError::missing, "nothing in it");
    EXPECT(error(Hand(3).field(3, "text")) == WireError::missing, "no outcome");
    EXPECT(error(verdict_by_hand(0)) == WireError::bad_field, "outcome 0");
    EXPECT(error(verdict_by_hand(6)) == WireError::bad_field, "outcome 6");
    EXPECT(error(verdict_by_hand(1)) == WireError::bad_field, "admitted without a session");
    EXPECT(error(verdict_by_hand(1).number(2, std::uint64_t{0})) == WireError::bad_field, "session 0");
    EXPECT(error(verdict_by_hand(3).number(2, std::uint64_t{4})) == WireError::bad_field, "denied with a session");
    EXPECT(error(verdict_by_hand(3).number(1, std::uint8_t{3})) == WireError::repeated, "outcome twice");
    EXPECT(error(verdict_by_hand(3).field(3, std::string(max_text + 1, 'x'))) == WireError::too_long, "text");
    EXPECT(error(Hand(3).number(1, std::uint16_t{3})) == WireError::bad_field, "outcome of 2 bytes");
    EXPECT(error_of(decode_close(Hand(2).number(1, std::uint32_t{3}).frame())) == WireError::bad_field, "session");
}

SESSLIMIT_TEST(unknown_tags_ignored) {
    const Frame open = open_by_hand().field(13, "new").field(13, "again").field(0, "").field(65535, "x").frame();
    const auto request = decode_open(open);
    const auto verdict = decode_verdict(verdict_by_hand(3).field(4, "new").frame());
    const auto close = decode_close(Hand(2).field(2, "new").number(1, std::uint64_t{9}).frame());
    EXPECT(request && request->user == "alice", "open");
    EXPECT(verdict && verdict->outcome == Outcome::denied, "verdict");
    EXPECT(close && close->session == 9, "close");
}

SESSLIMIT_TEST(foreign_headers_rejected) {
    Frame magic = encoded(CloseRequest{1});
    magic[0] = std::byte{'s'};
    Frame version = encoded(CloseRequest{1});
    version[4] = std::byte{2};
    Frame kind = encoded(CloseRequest{1});
    kind[6] = std::byte{9};
    EXPECT(error_of(kind_of(magic)) == WireError::not_ours, "magic");
    EXPECT(error_of(kind_of(version)) == WireError::other_version, "version");
    EXPECT(error_of(kind_of(std::span(version).first(6))) == WireError::other_version,
           "shorter header of another version");
    EXPECT(error_of(kind_of(kind)) == WireError::unknown_kind, "kind");
    EXPECT(error_of(kind_of(Frame(max_frame + 1))) == WireError::too_long, "frame");
    Frame longer = encoded(CloseRequest{1});
    longer.push_back(std::byte{});
    EXPECT(error_of(kind_of(longer)) == WireError::truncated, "longer than its stated length");
}

SESSLIMIT_TEST(decoders_reject_other_kinds) {
    const Frame open = open_by_hand().frame();
    const Frame close = encoded(CloseRequest{1});
    const Frame verdict = verdict_by_hand(3).frame();
    for (const Frame* frame : {&close, &verdict}) {
        EXPECT(error_of(decode_open(*frame)) == WireError::unknown_kind, "open");
    }
    for (const Frame* frame : {&open, &verdict}) {
        EXPECT(error_of(decode_close(*frame)) == WireError::unknown_kind, "close");
    }
    for (const Frame* frame : {&open, &close}) {
        EXPECT(error_of(decode_verdict(*frame)) == WireError::unknown_kind, "verdict");
    }
}

SESSLIMIT_TEST(every_error_has_description) {
    for (int error = 0; error <= static_cast<int>(WireError::missing); ++error) {
        const auto words = describe(static_cast<WireError>(error));
        EXPECT(!words.empty() && words != "unknown error", std::to_string(error));
    }
}

} // namespace
} // namespace sesslimit::wire
