// SPDX-License-Identifier: MIT
#include "common/protocol.hpp"
#include "tests/unit/cmocka.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

namespace sesslimit::wire {
namespace {

using Frame = std::vector<std::byte>;

template <class Message>
Frame encoded(const Message& message) {
    Frame frame(max_frame);
    const auto length = encode(message, frame);
    frame.resize(length ? *length : 0);
    return frame;
}

template <class Message>
std::optional<WireError> encode_error(const Message& message, std::size_t room = max_frame) {
    Frame frame(room);
    const auto length = encode(message, frame);
    return length ? std::nullopt : std::optional(length.error());
}

template <class Expected>
std::optional<WireError> error_of(const Expected& result) {
    return result ? std::nullopt : std::optional(result.error());
}

template <class Number>
void append(Frame& frame, Number value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    frame.insert(frame.end(), bytes.begin(), bytes.end());
}

/// A frame by hand, so that the encoder is held to the specification and not to itself.
class Hand {
  public:
    explicit Hand(std::uint16_t kind) : kind_(kind) {}
    Hand& field(std::uint16_t tag, std::string_view value) {
        append(body_, tag);
        append(body_, static_cast<std::uint16_t>(value.size()));
        for (const char c : value) {
            body_.push_back(static_cast<std::byte>(c));
        }
        return *this;
    }
    template <class Number>
    Hand& number(std::uint16_t tag, Number value) {
        return field(tag, {reinterpret_cast<const char*>(&value), sizeof value});
    }
    Hand& raw(std::string_view bytes) {
        for (const char c : bytes) {
            body_.push_back(static_cast<std::byte>(c));
        }
        return *this;
    }
    [[nodiscard]] Frame frame() const {
        Frame whole;
        for (const char c : std::string_view("SLIM")) {
            whole.push_back(static_cast<std::byte>(c));
        }
        append(whole, std::uint16_t{1});
        append(whole, kind_);
        append(whole, static_cast<std::uint32_t>(body_.size()));
        whole.insert(whole.end(), body_.begin(), body_.end());
        return whole;
    }

  private:
    std::uint16_t kind_;
    Frame body_;
};

Hand open_by_hand() {
    return Hand(1)
        .field(1, "alice")
        .number(2, std::uint32_t{1000})
        .number(3, std::uint32_t{100})
        .field(5, "sshd")
        .number(11, std::uint32_t{2000});
}

Hand verdict_by_hand(std::uint8_t outcome) {
    return Hand(3).number(1, outcome);
}

constexpr gid_t one_group[] = {100};

OpenRequest least_open() {
    OpenRequest request;
    request.user = "a";
    request.gids = GidView(std::span(one_group));
    request.service = "s";
    request.budget_ms = 1;
    return request;
}

/// A request at every bound. Its views are into itself.
struct LargestOpen {
    std::string user = std::string(max_user, 'u');
    std::string service = std::string(max_service, 's');
    std::string tty = std::string(max_tty, 't');
    std::string rhost = std::string(max_host, 'h');
    std::string ruser = std::string(max_user, 'r');
    std::string auth_info = std::string(max_auth_info, '\n');
    std::string connection = std::string(max_connection, '\xff');
    std::string seat = std::string(max_seat, 'e');
    std::vector<gid_t> gids = std::vector<gid_t>(max_gids);

    [[nodiscard]] OpenRequest request() {
        std::iota(gids.begin(), gids.end(), gid_t{5});
        return {.user = user,
                .uid = std::numeric_limits<uid_t>::max() - 1,
                .gids = GidView(std::span<const gid_t>(gids)),
                .gids_cut = true,
                .service = service,
                .tty = tty,
                .rhost = rhost,
                .ruser = ruser,
                .auth_info = auth_info,
                .connection = connection,
                .seat = seat,
                .nested = true,
                .budget_ms = max_budget_ms};
    }
};

bool same(const OpenRequest& a, const OpenRequest& b) {
    return a.user == b.user && a.uid == b.uid && std::ranges::equal(a.gids.bytes(), b.gids.bytes()) &&
           a.gids_cut == b.gids_cut && a.service == b.service && a.tty == b.tty && a.rhost == b.rhost &&
           a.ruser == b.ruser && a.auth_info == b.auth_info && a.connection == b.connection && a.seat == b.seat &&
           a.nested == b.nested && a.budget_ms == b.budget_ms;
}

bool same(const Verdict& a, const Verdict& b) {
    return a.outcome == b.outcome && a.session == b.session && a.text == b.text;
}

void open_round_trips() {
    LargestOpen largest;
    OpenRequest nested = least_open();
    nested.nested = true;
    OpenRequest cut = least_open();
    cut.gids_cut = true;
    for (const OpenRequest& request : {least_open(), nested, cut, largest.request()}) {
        const Frame frame = encoded(request);
        const auto got = decode_open(frame);
        EXPECT(got && same(*got, request), request.user);
        EXPECT(kind_of(frame) == Kind::open, "kind");
    }
}

void gids_read_at_any_alignment() {
    LargestOpen largest;
    const OpenRequest request = largest.request();
    Frame frame = encoded(request);
    frame.insert(frame.begin(), std::byte{});
    const auto got = decode_open(std::span(frame).subspan(1));
    EXPECT(got && got->gids.size() == max_gids, "size");
    EXPECT(got->gids[0] == 5 && got->gids[max_gids - 1] == max_gids + 4, "values");
}

void close_round_trips() {
    for (const std::uint64_t session : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
        const auto got = decode_close(encoded(CloseRequest{session}));
        EXPECT(got && got->session == session, std::to_string(session));
    }
}

void wait_round_trips() {
    for (const std::uint32_t more : {std::uint32_t{1}, max_wait_ms}) {
        const Frame frame = encoded(Wait{more});
        const auto got = decode_wait(frame);
        EXPECT(got && got->more_ms == more, std::to_string(more));
        EXPECT(kind_of(frame) == Kind::wait, "kind");
    }
    EXPECT(encoded(Wait{500}) == Hand(4).number(1, std::uint32_t{500}).frame(), "as specified");
}

void broken_waits() {
    EXPECT(encode_error(Wait{0}) == WireError::bad_field, "no time");
    EXPECT(encode_error(Wait{max_wait_ms + 1}) == WireError::bad_field, "for ever");
    const auto error = [](const Hand& hand) { return error_of(decode_wait(hand.frame())); };
    EXPECT(error(Hand(4)) == WireError::missing, "nothing in it");
    EXPECT(error(Hand(4).number(1, std::uint32_t{0})) == WireError::bad_field, "no time");
    EXPECT(error(Hand(4).number(1, max_wait_ms + 1)) == WireError::bad_field, "for ever");
    EXPECT(error(Hand(4).number(1, std::uint64_t{5})) == WireError::bad_field, "8 bytes");
    EXPECT(error(verdict_by_hand(5)) == WireError::unknown_kind, "a verdict");
    EXPECT(error_of(decode_verdict(encoded(Wait{5}))) == WireError::unknown_kind, "a wait is no verdict");
}

void verdict_round_trips() {
    const std::string longest(max_text, 'x');
    const Verdict table[] = {
        {.outcome = Outcome::admitted, .session = 1, .text = {}},
        {.outcome = Outcome::admitted, .session = ~std::uint64_t{0}, .text = "welcome"},
        {.outcome = Outcome::uncounted, .session = 0, .text = {}},
        {.outcome = Outcome::refused, .session = 0, .text = longest},
        {.outcome = Outcome::failed, .session = 0, .text = "a\nb"},
        {.outcome = Outcome::noted, .session = 0, .text = {}},
    };
    for (const Verdict& verdict : table) {
        const Frame frame = encoded(verdict);
        const auto got = decode_verdict(frame);
        EXPECT(got && same(*got, verdict), verdict.text);
    }
}

void frames_are_as_specified() {
    OpenRequest request = least_open();
    request.user = "alice";
    request.uid = 1000;
    request.service = "sshd";
    request.budget_ms = 2000;
    const Frame frame = open_by_hand().frame();
    const auto got = decode_open(frame);
    EXPECT(got && same(*got, request), "open");
    EXPECT(encoded(CloseRequest{7}) == Hand(2).number(1, std::uint64_t{7}).frame(), "close");
    EXPECT(encoded(CloseRequest{0}) == Hand(2).frame(), "close of an unknown session");
    EXPECT(encoded(Verdict{.outcome = Outcome::refused, .session = 0, .text = "no"}) ==
               verdict_by_hand(3).field(3, "no").frame(),
           "verdict");
    const auto flags = decode_open(open_by_hand().number(4, std::uint32_t{0xfffffffd}).frame());
    EXPECT(flags && flags->nested && !flags->gids_cut, "flags of a later time mean nothing");
}

struct Setting {
    const char* name;
    std::string_view OpenRequest::* member;
    std::size_t bound;
    bool must;
};
constexpr Setting texts[] = {
    {"user", &OpenRequest::user, max_user, true},
    {"service", &OpenRequest::service, max_service, true},
    {"tty", &OpenRequest::tty, max_tty, false},
    {"rhost", &OpenRequest::rhost, max_host, false},
    {"ruser", &OpenRequest::ruser, max_user, false},
    {"auth_info", &OpenRequest::auth_info, max_auth_info, false},
    {"connection", &OpenRequest::connection, max_connection, false},
    {"seat", &OpenRequest::seat, max_seat, false},
};

void texts_are_bounded_when_encoded() {
    for (const Setting& text : texts) {
        const std::string too_long(text.bound + 1, 'x');
        OpenRequest request = least_open();
        request.*text.member = too_long;
        EXPECT(encode_error(request) == WireError::too_long, text.name);
        request.*text.member = std::string_view("a\0b", 3);
        EXPECT(encode_error(request) == WireError::bad_field, text.name);
        request.*text.member = {};
        EXPECT(encode_error(request) == (text.must ? std::optional(WireError::bad_field) : std::nullopt), text.name);
    }
}

void values_are_bounded_when_encoded() {
    const std::vector<gid_t> many(max_gids + 1);
    OpenRequest request = least_open();
    request.gids = GidView(std::span<const gid_t>(many));
    EXPECT(encode_error(request) == WireError::too_long, "gids");
    request.gids = {};
    EXPECT(encode_error(request) == WireError::bad_field, "no gids");
    request = least_open();
    request.uid = std::numeric_limits<uid_t>::max();
    EXPECT(encode_error(request) == WireError::bad_field, "uid");
    for (const std::uint32_t budget : {std::uint32_t{0}, max_budget_ms + 1}) {
        request = least_open();
        request.budget_ms = budget;
        EXPECT(encode_error(request) == WireError::bad_field, "budget");
    }
    const std::string longer(max_text + 1, 'x');
    EXPECT(encode_error(Verdict{.outcome = Outcome::refused, .session = 0, .text = longer}) == WireError::too_long,
           "text");
    EXPECT(encode_error(Verdict{.outcome = Outcome::admitted, .session = 0, .text = {}}) == WireError::bad_field,
           "admitted without a session");
    EXPECT(encode_error(Verdict{.outcome = Outcome::refused, .session = 1, .text = {}}) == WireError::bad_field,
           "refused with a session");
    const auto beyond = static_cast<Outcome>(6); // NOLINT(clang-analyzer-optin.core.EnumCastOutOfRange)
    EXPECT(encode_error(Verdict{.outcome = beyond, .session = 0, .text = {}}) == WireError::bad_field, "outcome");
}

void no_room_is_an_error_at_every_size() {
    LargestOpen largest;
    const OpenRequest request = largest.request();
    const std::size_t whole = encoded(request).size();
    EXPECT(!encode_error(request, whole), "exactly enough");
    for (std::size_t room = 0; room < whole; room += room < 64 || whole - room < 64 ? 1 : 61) {
        EXPECT(encode_error(request, room) == WireError::no_room, std::to_string(room));
    }
    EXPECT(encode_error(CloseRequest{0}, 11) == WireError::no_room, "a header");
    EXPECT(!encode_error(CloseRequest{0}, 12), "a header");
}

/// Every kind of frame, small enough to be broken at every byte.
std::vector<Frame> samples() {
    OpenRequest request = least_open();
    request.tty = "pts/1";
    request.nested = true;
    request.auth_info = "publickey x";
    return {encoded(request), encoded(CloseRequest{77}),
            encoded(Verdict{.outcome = Outcome::admitted, .session = 5, .text = "hello"}),
            encoded(Verdict{.outcome = Outcome::refused, .session = 0, .text = "no\nmore"})};
}

/// Whether each of the three decoders is sound on the bytes: an error, or a value that encodes again.
bool all_sound(std::span<const std::byte> bytes) {
    // An allocation of its own, so that a sanitizer sees one byte too many.
    const Frame frame(bytes.begin(), bytes.end());
    const auto open = decode_open(frame);
    const auto close = decode_close(frame);
    const auto verdict = decode_verdict(frame);
    return (!open || !encode_error(*open)) && (!close || !encode_error(*close)) &&
           (!verdict || !encode_error(*verdict)) &&
           int{open.has_value()} + close.has_value() + verdict.has_value() <= 1;
}

void every_truncation_is_an_error() {
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

void every_truncation_with_a_length_to_match_is_sound() {
    for (const Frame& frame : samples()) {
        for (std::size_t size = 12; size < frame.size(); ++size) {
            Frame cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
            const auto length = static_cast<std::uint32_t>(size - 12);
            std::memcpy(cut.data() + 8, &length, sizeof length);
            EXPECT(all_sound(cut), std::to_string(size));
        }
    }
}

void every_flipped_byte_is_sound() {
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

void broken_opens() {
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

/// An open request by hand with one of its five musts left out or replaced.
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

void the_musts_of_an_open() {
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

void broken_verdicts() {
    const auto error = [](const Hand& hand) { return error_of(decode_verdict(hand.frame())); };
    EXPECT(error(Hand(3)) == WireError::missing, "nothing in it");
    EXPECT(error(Hand(3).field(3, "text")) == WireError::missing, "no outcome");
    EXPECT(error(verdict_by_hand(0)) == WireError::bad_field, "outcome 0");
    EXPECT(error(verdict_by_hand(6)) == WireError::bad_field, "outcome 6");
    EXPECT(error(verdict_by_hand(1)) == WireError::bad_field, "admitted without a session");
    EXPECT(error(verdict_by_hand(1).number(2, std::uint64_t{0})) == WireError::bad_field, "session 0");
    EXPECT(error(verdict_by_hand(3).number(2, std::uint64_t{4})) == WireError::bad_field, "refused with a session");
    EXPECT(error(verdict_by_hand(3).number(1, std::uint8_t{3})) == WireError::repeated, "outcome twice");
    EXPECT(error(verdict_by_hand(3).field(3, std::string(max_text + 1, 'x'))) == WireError::too_long, "text");
    EXPECT(error(Hand(3).number(1, std::uint16_t{3})) == WireError::bad_field, "outcome of 2 bytes");
    EXPECT(error_of(decode_close(Hand(2).number(1, std::uint32_t{3}).frame())) == WireError::bad_field, "session");
}

void unknown_tags_are_passed_over() {
    const Frame open = open_by_hand().field(13, "new").field(13, "again").field(0, "").field(65535, "x").frame();
    const auto request = decode_open(open);
    const auto verdict = decode_verdict(verdict_by_hand(3).field(4, "new").frame());
    const auto close = decode_close(Hand(2).field(2, "new").number(1, std::uint64_t{9}).frame());
    EXPECT(request && request->user == "alice", "open");
    EXPECT(verdict && verdict->outcome == Outcome::refused, "verdict");
    EXPECT(close && close->session == 9, "close");
}

void headers_that_are_not_ours() {
    Frame magic = encoded(CloseRequest{1});
    magic[0] = std::byte{'s'};
    Frame version = encoded(CloseRequest{1});
    version[4] = std::byte{2};
    Frame kind = encoded(CloseRequest{1});
    kind[6] = std::byte{9};
    EXPECT(error_of(kind_of(magic)) == WireError::not_ours, "magic");
    EXPECT(error_of(kind_of(version)) == WireError::other_version, "version");
    EXPECT(error_of(kind_of(std::span(version).first(6))) == WireError::other_version, "a header of another form");
    EXPECT(error_of(kind_of(kind)) == WireError::unknown_kind, "kind");
    EXPECT(error_of(kind_of(Frame(max_frame + 1))) == WireError::too_long, "frame");
    Frame longer = encoded(CloseRequest{1});
    longer.push_back(std::byte{});
    EXPECT(error_of(kind_of(longer)) == WireError::truncated, "longer than it says");
}

void kinds_are_not_mixed_up() {
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

void every_error_has_words() {
    for (int error = 0; error <= static_cast<int>(WireError::missing); ++error) {
        const auto words = describe(static_cast<WireError>(error));
        EXPECT(!words.empty() && words != "unknown error", std::to_string(error));
    }
}

} // namespace
} // namespace sesslimit::wire

int main() {
    using namespace sesslimit::wire;
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(open_round_trips),
        SESSLIMIT_TEST(gids_read_at_any_alignment),
        SESSLIMIT_TEST(close_round_trips),
        SESSLIMIT_TEST(wait_round_trips),
        SESSLIMIT_TEST(broken_waits),
        SESSLIMIT_TEST(verdict_round_trips),
        SESSLIMIT_TEST(frames_are_as_specified),
        SESSLIMIT_TEST(texts_are_bounded_when_encoded),
        SESSLIMIT_TEST(values_are_bounded_when_encoded),
        SESSLIMIT_TEST(no_room_is_an_error_at_every_size),
        SESSLIMIT_TEST(every_truncation_is_an_error),
        SESSLIMIT_TEST(every_truncation_with_a_length_to_match_is_sound),
        SESSLIMIT_TEST(every_flipped_byte_is_sound),
        SESSLIMIT_TEST(broken_opens),
        SESSLIMIT_TEST(the_musts_of_an_open),
        SESSLIMIT_TEST(broken_verdicts),
        SESSLIMIT_TEST(unknown_tags_are_passed_over),
        SESSLIMIT_TEST(headers_that_are_not_ours),
        SESSLIMIT_TEST(kinds_are_not_mixed_up),
        SESSLIMIT_TEST(every_error_has_words),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
