// SPDX-License-Identifier: MIT
// The payload of a ledger slot, decoded as a session.
#include "daemon/ledger/codec.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sesslimit::fuzz {

void one_input(std::span<const std::uint8_t> bytes) {
    const auto payload = std::as_bytes(bytes);
    const auto session = ledger::decode(payload);
    if (!session) {
        must(!session.error().empty(), "a fault has a description");
        return;
    }
    must(ledger::fault_of(*session).empty(), "a decoded session is valid");
    must(session->request == RequestId::none && session->answer_by == never, "it has no pending request");
    std::array<std::byte, ledger::max_payload> out; // NOLINT: only written bytes are read
    const auto size = ledger::encode(*session, out);
    must(size.has_value(), "a decoded session can be encoded");
    const auto again = ledger::decode(std::span(out).first(*size));
    must(again.has_value(), "and decodes again");
    must(again == session, "to the same session");
    const auto has_flag = [&payload](std::size_t at, unsigned flag) {
        return payload.size() > at && (payload[at] & std::byte(flag)) != std::byte{};
    };
    const bool is_current = has_flag(207, 128) && has_flag(220, 2);
    if (is_current && payload.size() <= ledger::max_payload) {
        std::vector<std::byte> expected(payload.begin(), payload.end());
        constexpr std::ptrdiff_t unused = 152; // offset of fields that earlier versions used
        std::fill_n(expected.begin() + unused, 5 * sizeof(std::uint64_t), std::byte{0});
        must(std::ranges::equal(std::span(out).first(*size), expected), "to the same bytes");
    }
}

} // namespace sesslimit::fuzz
