// SPDX-License-Identifier: MIT
// A frame from a peer in either direction: the decoded value, and the login made from it.
#include "common/protocol.hpp"
#include "daemon/ledger/codec.hpp"
#include "daemon/pam_server/request.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <array>
#include <ranges>

namespace sesslimit::fuzz {
namespace {

using Bytes = std::span<const std::byte>;

bool same(const wire::GidView& a, const wire::GidView& b) {
    return std::ranges::equal(a.bytes(), b.bytes());
}

bool same(const wire::OpenRequest& a, const wire::OpenRequest& b) {
    return a.user == b.user && a.uid == b.uid && same(a.gids, b.gids) && a.gids_cut == b.gids_cut &&
           a.service == b.service && a.tty == b.tty && a.rhost == b.rhost && a.ruser == b.ruser &&
           a.auth_info == b.auth_info && a.connection == b.connection && a.seat == b.seat && a.nested == b.nested &&
           a.budget_ms == b.budget_ms;
}

bool same(const wire::CloseRequest& a, const wire::CloseRequest& b) {
    return a.session == b.session;
}

bool same(const wire::Verdict& a, const wire::Verdict& b) {
    return a.outcome == b.outcome && a.session == b.session && a.text == b.text;
}

bool same(const wire::Wait& a, const wire::Wait& b) {
    return a.more_ms == b.more_ms;
}

/// Checks that a decoded value encodes to a frame that decodes to the same value. Encoding it into a shorter buffer
/// fails.
template <class Value, class Decode>
void goes_back(const std::expected<Value, wire::WireError>& read, Decode decode) {
    if (!read) {
        must(!wire::describe(read.error()).empty(), "every error has a description");
        return;
    }
    std::array<std::byte, wire::max_frame> out; // NOLINT: only written bytes are read
    const auto size = wire::encode(*read, out);
    must(size.has_value(), "a decoded value can be encoded");
    const auto again = decode(Bytes(out).first(*size));
    must(again.has_value() && same(*again, *read), "and decodes to the same value");
    must(!wire::encode(*read, std::span(out).first(*size - 1)), "but not into a shorter buffer");
}

/// Checks that each login accepted by the wire format can be recorded unchanged.
void is_a_login(const wire::OpenRequest& request, const core::OpenRequested& opened) {
    const std::vector<gid_t>& gids = opened.login.gids;
    must(std::ranges::adjacent_find(gids, std::greater_equal{}) == gids.end(), "group ids ascend");
    for (std::size_t at = 0; at < request.gids.size(); ++at) {
        must(std::ranges::binary_search(gids, request.gids[at]), "no group id is lost");
    }
    core::Session session;
    session.key = SessionKey{1};
    session.login = opened.login;
    must(ledger::fault_of(session).empty(), "a login from the wire fits into the ledger");
    must(opened.budget > Duration{}, "the client waits for some time");
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    const Bytes frame = std::as_bytes(bytes);
    const auto kind = wire::kind_of(frame);
    const auto open = wire::decode_open(frame);
    const auto close = wire::decode_close(frame);
    const auto verdict = wire::decode_verdict(frame);
    const auto wait = wire::decode_wait(frame);
    must((!open || kind == wire::Kind::open) && (!close || kind == wire::Kind::close) &&
             (!verdict || kind == wire::Kind::verdict) && (!wait || kind == wire::Kind::wait),
         "a frame decodes only as its own kind");
    goes_back(open, wire::decode_open);
    goes_back(close, wire::decode_close);
    goes_back(verdict, wire::decode_verdict);
    goes_back(wait, wire::decode_wait);
    const auto event = pam_server::event_of(frame, RequestId{1}, {.pid = 1, .mark = 1});
    must(event.has_value() == (open || close), "every request becomes an event, and no other frame does");
    if (open) {
        is_a_login(*open, std::get<core::OpenRequested>(*event));
    }
}

} // namespace sesslimit::fuzz
