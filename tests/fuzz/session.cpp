// SPDX-License-Identifier: MIT
// The payload of a slot of the ledger, read as a session.
#include "daemon/ledger/codec.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <array>

namespace sesslimit::fuzz {

void one_input(std::span<const std::uint8_t> bytes) {
    const auto payload = std::as_bytes(bytes);
    const auto session = ledger::decode(payload);
    if (!session) {
        must(!session.error().empty(), "a fault has its words");
        return;
    }
    must(ledger::fault_of(*session).empty(), "what is read is possible");
    must(session->request == RequestId::none && session->answer_by == never, "nobody waits for it");
    std::array<std::byte, ledger::max_payload> out; // NOLINT: what is read of it was written
    const auto size = ledger::encode(*session, out);
    must(size.has_value(), "what is read can be written");
    const auto again = ledger::decode(std::span(out).first(*size));
    must(again.has_value(), "and is read again");
    if (payload.size() <= ledger::max_payload) {
        must(std::ranges::equal(std::span(out).first(*size), payload), "byte for byte");
    }
}

} // namespace sesslimit::fuzz
