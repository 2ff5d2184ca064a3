// SPDX-License-Identifier: MIT
// An arbitrarily damaged ledger file, opened as the daemon does at its start. The first byte selects how the rest
// becomes a file: unchanged, or as updates of slots with valid checksums, followed by bytes to change.
#include "daemon/ledger/ledger.hpp"
#include "daemon/ledger/ledger_file.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/support/ledger_sample.hpp"

#include <algorithm>
#include <optional>

namespace sesslimit::fuzz {
namespace {

using test::Bytes;
using test::Opened;
using test::Sessions;
using test::slot_of;

constexpr std::size_t max_slots = 4;

ledger::BootId this_boot() {
    static const auto boot = ledger::read_boot_id();
    must(boot.has_value(), "this host has a boot id");
    return *boot;
}

/// Returns a payload: that of a valid session, or bytes of the input.
Bytes payload_of(Input& input) {
    const std::uint8_t what = input.byte();
    if (what < 200) {
        Bytes payload(ledger::max_payload);
        const auto size = ledger::encode(test::sample(what % 8U, what), payload);
        payload.resize(size.value_or(0));
        return payload;
    }
    const auto part = std::as_bytes(input.bytes(input.number<std::uint16_t>() % (ledger::max_payload + 1)));
    return {part.begin(), part.end()};
}

void change_bytes(Input& input, Bytes& file) {
    while (!input.empty()) {
        const std::size_t at = input.number<std::uint16_t>() % file.size();
        file[at] ^= static_cast<std::byte>(input.byte());
    }
}

Bytes made_of(Input& input) {
    const std::uint8_t first = input.byte();
    const std::size_t slots = first % max_slots;
    const std::uint32_t version = first < 128 ? ledger::format_version : 1;
    Bytes file((slots + 1) * ledger::slot_size);
    const std::uint8_t named = input.byte();
    const auto header =
        encode(ledger::Header{.version = version, .slots = named == 0 ? slots : named, .boot = this_boot()});
    ledger::write_slot(slot_of(file, 0), 1, header);
    ledger::write_slot(slot_of(file, 0), 2, header);
    for (std::uint8_t updates = input.byte() % 16; updates > 0 && slots > 0; --updates) {
        const std::size_t place = 1 + input.byte() % slots;
        const std::uint64_t generation = input.byte();
        const bool last = generation == 255;
        ledger::write_slot(slot_of(file, place), last ? ledger::last_generation : generation, payload_of(input));
    }
    change_bytes(input, file);
    return file;
}

Bytes file_of(std::span<const std::uint8_t> bytes) {
    Input input(bytes);
    if (input.byte() % 2 == 0) {
        const auto rest = std::as_bytes(input.rest());
        return {rest.begin(), rest.end()};
    }
    return made_of(input);
}

void are_possible(const Sessions& sessions) {
    for (const auto& [key, session] : sessions) {
        must(ledger::fault_of(session).empty() && key == session.key, "each session is valid");
    }
}

/// Opens the ledger, which must always succeed, and returns its sessions.
Sessions sessions_in(const std::filesystem::path& directory, bool quiet) {
    const Opened opened(directory, 2);
    must(opened.good(), "any ledger opens and returns each session once");
    must(!quiet || opened.dropped.empty(), "a repaired fault is not reported again");
    must(opened.dropped.size() <= 72, "the number of messages is bounded");
    must(std::ranges::all_of(opened.dropped, [](const std::string& line) { return is_safe_line(line); }),
         "messages are safe to show");
    are_possible(opened.sessions);
    return opened.sessions;
}

void takes_sessions(const std::filesystem::path& directory, Sessions sessions) {
    {
        Opened opened(directory, 2);
        must(opened.good(), "it opens for updates");
        for (std::uint64_t key = 1; key <= 6; ++key) {
            const core::Session session = test::sample(key, 300);
            if (opened.ledger->put(session)) {
                sessions[session.key] = session;
            } else {
                must(opened.ledger->put(session).error().code == EOVERFLOW, "only a forged slot rejects an update");
            }
        }
        opened.ledger->drop(SessionKey{3});
        sessions.erase(SessionKey{3});
    }
    const Sessions after = sessions_in(directory, true);
    must(after == sessions, "only the updated and dropped sessions have changed");
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    static const test::TemporaryDirectory home;
    std::filesystem::remove(home.path / "ledger.old");
    test::write_file(home.path / "ledger", file_of(bytes));
    const Sessions first = sessions_in(home.path, false);
    must(sessions_in(home.path, true) == first, "opening does not change the sessions");
    takes_sessions(home.path, first);
}

} // namespace sesslimit::fuzz
