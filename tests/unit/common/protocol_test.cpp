// SPDX-License-Identifier: MIT
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/frames.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

namespace sesslimit::wire {
namespace {

/// A request with every field at its bound. The views refer to the object itself.
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

SESSLIMIT_TEST(open_request_round_trips) {
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

SESSLIMIT_TEST(gids_decoded_at_any_alignment) {
    LargestOpen largest;
    const OpenRequest request = largest.request();
    Frame frame = encoded(request);
    frame.insert(frame.begin(), std::byte{});
    const auto got = decode_open(std::span(frame).subspan(1));
    EXPECT(got && got->gids.size() == max_gids, "size");
    EXPECT(got->gids[0] == 5 && got->gids[max_gids - 1] == max_gids + 4, "values");
}

SESSLIMIT_TEST(close_request_round_trips) {
    for (const std::uint64_t session : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
        const auto got = decode_close(encoded(CloseRequest{session}));
        EXPECT(got && got->session == session, std::to_string(session));
    }
}

SESSLIMIT_TEST(wait_frame_round_trips) {
    for (const std::uint32_t more : {std::uint32_t{1}, max_wait_ms}) {
        const Frame frame = encoded(Wait{more});
        const auto got = decode_wait(frame);
        EXPECT(got && got->more_ms == more, std::to_string(more));
        EXPECT(kind_of(frame) == Kind::wait, "kind");
    }
    EXPECT(encoded(Wait{500}) == Hand(4).number(1, std::uint32_t{500}).frame(), "as specified");
}

SESSLIMIT_TEST(verdict_round_trips) {
    const std::string longest(max_text, 'x');
    const Verdict table[] = {
        {.outcome = Outcome::admitted, .session = 1, .text = {}},
        {.outcome = Outcome::admitted, .session = ~std::uint64_t{0}, .text = "welcome"},
        {.outcome = Outcome::uncounted, .session = 0, .text = {}},
        {.outcome = Outcome::denied, .session = 0, .text = longest},
        {.outcome = Outcome::failed, .session = 0, .text = "a\nb"},
        {.outcome = Outcome::noted, .session = 0, .text = {}},
    };
    for (const Verdict& verdict : table) {
        const Frame frame = encoded(verdict);
        const auto got = decode_verdict(frame);
        EXPECT(got && same(*got, verdict), verdict.text);
    }
}

SESSLIMIT_TEST(frames_match_specification) {
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
    EXPECT(encoded(Verdict{.outcome = Outcome::denied, .session = 0, .text = "no"}) ==
               verdict_by_hand(3).field(3, "no").frame(),
           "verdict");
    const auto flags = decode_open(open_by_hand().number(4, std::uint32_t{0xfffffffd}).frame());
    EXPECT(flags && flags->nested && !flags->gids_cut, "unknown flags are ignored");
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

SESSLIMIT_TEST(encoder_rejects_invalid_texts) {
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

SESSLIMIT_TEST(encoder_rejects_invalid_values) {
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
    EXPECT(encode_error(Verdict{.outcome = Outcome::denied, .session = 0, .text = longer}) == WireError::too_long,
           "text");
    EXPECT(encode_error(Verdict{.outcome = Outcome::admitted, .session = 0, .text = {}}) == WireError::bad_field,
           "admitted without a session");
    EXPECT(encode_error(Verdict{.outcome = Outcome::denied, .session = 1, .text = {}}) == WireError::bad_field,
           "denied with a session");
    const auto beyond = static_cast<Outcome>(6); // NOLINT(clang-analyzer-optin.core.EnumCastOutOfRange)
    EXPECT(encode_error(Verdict{.outcome = beyond, .session = 0, .text = {}}) == WireError::bad_field, "outcome");
}

SESSLIMIT_TEST(encoder_reports_missing_room_at_every_size) {
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

} // namespace
} // namespace sesslimit::wire
