// SPDX-License-Identifier: MIT
// Damaged ledger files: the sessions that are accepted, and the messages.
#include "daemon/ledger/ledger.hpp"

#include "tests/unit/support/ledger_sample.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <string_view>

using namespace sesslimit;
using namespace sesslimit::test;
using core::Session;

namespace fs = std::filesystem;

namespace {

bool every_single_one = false; ///< set by "every" on the command line

/// Opens a small ledger with one byte changed and checks the permitted results.
void expect_one_byte_flipped(const fs::path& directory, std::size_t at) {
    const std::string where = std::to_string(at);
    const std::size_t place = at / ledger::slot_size;
    {
        Opened opened(directory, 3);
        EXPECT(opened.good(), where + ": " + opened.said());
        for (const auto& [key, session] : small_sessions) {
            const bool same = opened.sessions.contains(key) && opened.sessions.at(key) == session;
            const bool hit = place == std::to_underlying(key);
            EXPECT(same || (hit && !opened.dropped.empty()), where);
        }
        for (const auto& [key, session] : opened.sessions) {
            // Session 2 may have its earlier state, and session 3 the state from before it was dropped.
            const bool believable = session == sample(std::to_underlying(key), session.reason.count);
            EXPECT(believable && std::to_underlying(key) <= 3, where);
            EXPECT(session.reason.count == 0 || small_sessions.contains(key), where);
        }
    }
    Opened again(directory, 3);
    EXPECT(again.good() && again.dropped.empty(), where + ": reported once: " + again.said());
}

SESSLIMIT_TEST(ledger_with_any_byte_flipped_opens) {
    TemporaryDirectory home;
    const Bytes good = small_ledger(home.path);
    Bytes bytes = good;
    std::size_t told = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        // Tests every byte of headers and payloads. Of the unused bytes it tests every seventh, unless "every" is
        // given.
        if (!every_single_one && at % ledger::copy_size > 400 && at % 7 != 0) {
            continue;
        }
        bytes[at] ^= std::byte{1} << static_cast<int>(at % 8);
        write_file(home.path / "ledger", bytes);
        bytes[at] = good[at];
        expect_one_byte_flipped(home.path, at);
        told += read_file(home.path / "ledger") == good ? 0U : 1U;
    }
    EXPECT(!fs::exists(home.path / "ledger.old"), "the header has a second copy");
    EXPECT(told > 100, "something was flipped");
}

/// The current copy is damaged: the previous state is restored, and the damage is reported.
SESSLIMIT_TEST(torn_current_copy_previous_state_restored) {
    TemporaryDirectory home;
    Bytes bytes = small_ledger(home.path);
    const auto torn = [&](std::size_t place, std::size_t copy, std::size_t byte) {
        slot_of(bytes, place)[copy * ledger::copy_size + byte] ^= std::byte{1};
    };
    torn(1, 1, 40);   // session 1 has only generation 1, in the second copy
    torn(2, 0, 1000); // beyond the payload: no effect
    torn(2, 0, 8);    // session 2: its length
    write_file(home.path / "ledger", bytes);
    Opened opened(home.path, 3);
    EXPECT(opened.good(), opened.said());
    EXPECT(opened.sessions == (Sessions{{SessionKey{2}, sample(2)}}), "the older state of session 2");
    EXPECT_TEXT(opened.said(),
                "slot 0: one copy of the ledger slot is damaged, and the other copy is damaged or empty\n"
                "slot 1: one copy of the ledger slot is damaged, and the other copy is used instead");
    EXPECT(opened.ledger->put(sample(1, 5)).has_value() && opened.ledger->put(sample(2, 5)).has_value(),
           "it accepts updates");
    opened.close();
    Opened again(home.path, 3);
    EXPECT(again.sessions == (Sessions{{SessionKey{1}, sample(1, 5)}, {SessionKey{2}, sample(2, 5)}}), again.said());
    EXPECT(again.dropped.empty(), again.said());
}

/// A lowered generation would make the older copy the current one. The ledger detects the change.
SESSLIMIT_TEST(lowered_generation_detected) {
    TemporaryDirectory home;
    {
        Opened opened(home.path, 1);
        for (std::uint32_t version = 0; version < 5; ++version) {
            EXPECT(opened.ledger->put(sample(1, version)).has_value(), "put");
        }
    }
    Bytes bytes = read_file(home.path / "ledger");
    slot_of(bytes, 1)[ledger::copy_size] ^= std::byte{4}; // 5 becomes 1, the other is 4
    write_file(home.path / "ledger", bytes);
    Opened opened(home.path, 1);
    EXPECT(opened.sessions == (Sessions{{SessionKey{1}, sample(1, 3)}}), opened.said());
    EXPECT(opened.dropped.size() == 1, opened.said());
}

/// The checksum is valid, but an update would have written the copy elsewhere.
SESSLIMIT_TEST(copy_in_wrong_place_rejected) {
    TemporaryDirectory home;
    Bytes bytes = small_ledger(home.path);
    const auto slot = slot_of(bytes, 2);
    std::ranges::copy(slot.first<ledger::copy_size>(), slot.last<ledger::copy_size>().begin());
    write_file(home.path / "ledger", bytes);
    Opened opened(home.path, 3);
    EXPECT(opened.good() && opened.sessions == small_sessions, opened.said());
    EXPECT_TEXT(opened.said(), "slot 1: one copy of the ledger slot is damaged, and the other copy is used instead");
}

/// A valid checksum over a payload that is not a session, and a key in two slots.
SESSLIMIT_TEST(forged_slots_rejected) {
    TemporaryDirectory home;
    Bytes bytes = small_ledger(home.path);
    std::array<std::byte, ledger::max_payload> payload{};
    ledger::write_slot(slot_of(bytes, 1), 2, payload);
    Session impossible = sample(2, 9);
    const std::size_t size = *ledger::encode(impossible, payload);
    ledger::write_slot(slot_of(bytes, 3), 3, std::span(payload).first(size));
    write_file(home.path / "ledger", bytes);
    {
        Opened opened(home.path, 3);
        EXPECT(opened.good(), opened.said());
        EXPECT(opened.sessions == (Sessions{{SessionKey{2}, sample(2, 1)}}), "only the valid session");
        EXPECT_TEXT(opened.said(),
                    "slot 0: invalid session: trailing data\n"
                    "slot 2: invalid session: the session key is already used by an earlier slot of the ledger");
    }
    Opened again(home.path, 3);
    EXPECT(again.good() && again.dropped.empty() && again.sessions.size() == 1, "reported once: " + again.said());
}

SESSLIMIT_TEST(slot_without_generations_left_keeps_session_until_dropped) {
    TemporaryDirectory home;
    Bytes bytes = small_ledger(home.path);
    std::array<std::byte, ledger::max_payload> payload{};
    const std::size_t size = *ledger::encode(sample(1), payload);
    ledger::write_slot(slot_of(bytes, 1), ledger::last_generation, std::span(payload).first(size));
    write_file(home.path / "ledger", bytes);
    Opened opened(home.path, 3);
    EXPECT(opened.good() && opened.sessions == small_sessions, opened.said());
    EXPECT(!opened.ledger->put(sample(1, 1)).has_value(), "no generation left");
    opened.close();
    Opened again(home.path, 3);
    EXPECT(again.sessions == small_sessions, "still there");
    again.ledger->drop(SessionKey{1});
    EXPECT(again.ledger->put(sample(4)).has_value(), "the dropped slot starts over");
    again.close();
    Opened last(home.path, 3);
    EXPECT(last.sessions == (Sessions{{SessionKey{2}, sample(2, 1)}, {SessionKey{4}, sample(4)}}), last.said());
}

/// A rejected slot is reported once, even if the slot has no generations left.
SESSLIMIT_TEST(invalid_slot_without_generations_left_reported_once) {
    TemporaryDirectory home;
    Bytes bytes = small_ledger(home.path);
    ledger::write_slot(slot_of(bytes, 1), ledger::last_generation, Bytes(10, std::byte{1}));
    write_file(home.path / "ledger", bytes);
    EXPECT_TEXT(Opened(home.path, 3).said(), "slot 0: invalid session: truncated record");
    EXPECT_TEXT(Opened(home.path, 3).said(), "");
}

SESSLIMIT_TEST(many_damage_reports_cut) {
    TemporaryDirectory home;
    {
        Opened made(home.path, 200);
    }
    Bytes bytes = read_file(home.path / "ledger");
    for (std::size_t place = 1; place <= 200; ++place) {
        slot_of(bytes, place)[3] = std::byte{1};
    }
    write_file(home.path / "ledger", bytes);
    Opened opened(home.path, 200);
    EXPECT(opened.good() && opened.dropped.size() == 65, opened.said());
    EXPECT_TEXT(opened.dropped.back(), "... and 136 more");
}

SESSLIMIT_TEST(truncated_ledger_opens_with_whole_slots) {
    TemporaryDirectory home;
    const Bytes good = small_ledger(home.path);
    for (std::size_t size = 0; size <= good.size(); ++size) {
        write_file(home.path / "ledger", Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
        Opened opened(home.path, 3);
        const std::string where = std::to_string(size) + ": " + opened.said();
        EXPECT(opened.good(), where);
        EXPECT(opened.dropped.empty() == (size == good.size()), where);
        for (const auto& [key, session] : small_sessions) {
            const bool whole = (std::to_underlying(key) + 1) * ledger::slot_size <= size;
            EXPECT(opened.sessions.contains(key) == whole, where);
            EXPECT(!whole || opened.sessions.at(key) == session, where);
        }
        for (std::uint64_t key = 11; key <= 14; ++key) {
            EXPECT(opened.ledger->put(sample(key)).has_value(), where);
        }
    }
    write_file(home.path / "ledger", Bytes(good.begin(), good.begin() + 2 * ledger::slot_size + 5));
    EXPECT_TEXT(Opened(home.path, 3).said(), "file was truncated: 2 slots lost");
}

struct Foreign {
    const char* why;
    std::function<void(Bytes&)> change;
};

/// Writes both copies of the header.
void set_header(Bytes& file, std::span<const std::byte> payload) {
    ledger::write_slot(slot_of(file, 0), 100, payload);
    ledger::write_slot(slot_of(file, 0), 101, payload);
}

std::array<std::byte, ledger::header_payload_size> usual_header() {
    ledger::Header header{.slots = 3, .boot = {}};
    std::ifstream("/proc/sys/kernel/random/boot_id").read(header.boot.data(), header.boot.size());
    return ledger::encode(header);
}

void set_header_byte(Bytes& file, std::size_t at, std::uint8_t byte) {
    auto header = usual_header();
    header[at] = std::byte{byte};
    set_header(file, header);
}

void set_header_size(Bytes& file, std::size_t size) {
    const auto header = usual_header();
    set_header(file, std::span(header).first(size));
}

const Foreign foreign_files[] = {
    {"not a ledger", [](Bytes& file) { set_header_byte(file, 0, 'X'); }},
    {"unsupported format version 4, records of 2 sessions dropped", [](Bytes& file) { set_header_byte(file, 8, 4); }},
    {"unsupported layout", [](Bytes& file) { set_header_byte(file, 13, 8); }},
    {"unsupported layout", [](Bytes& file) { set_header_size(file, 20); }},
    {"unsupported format version 0, records of 2 sessions dropped", [](Bytes& file) { set_header_size(file, 8); }},
    {"from another boot", [](Bytes& file) { set_header_byte(file, 24, 'x'); }},
    {"not a ledger", [](Bytes& file) { std::ranges::fill(file, std::byte{}); }},
    {"not a ledger", [](Bytes& file) { std::ranges::fill(file, std::byte{0xff}); }},
    {"not a ledger", [](Bytes& file) { file.clear(); }},
    {"not a ledger", [](Bytes& file) { file.resize(ledger::slot_size - 1); }},
};

SESSLIMIT_TEST(foreign_files_moved_aside) {
    TemporaryDirectory home;
    const Bytes good = small_ledger(home.path);
    Bytes same = good;
    set_header(same, usual_header());
    write_file(home.path / "ledger", same);
    EXPECT(Opened(home.path, 3).sessions == small_sessions, "the unmodified header is valid");
    for (const Foreign& test : foreign_files) {
        Bytes bytes = good;
        test.change(bytes);
        write_file(home.path / "ledger", bytes);
        {
            Opened opened(home.path, 3);
            EXPECT(opened.good() && opened.sessions.empty(), test.why);
            EXPECT_TEXT(opened.said(), (home.path / "ledger").string() + ": " + test.why + "; moved to " +
                                           (home.path / "ledger.old").string());
            EXPECT(opened.ledger->put(sample(5)).has_value(), "a new ledger is started");
        }
        EXPECT(read_file(home.path / "ledger.old") == bytes, "the old file is unchanged");
        EXPECT(Opened(home.path, 3).sessions.size() == 1, "the new one is used");
    }
    EXPECT(std::distance(fs::directory_iterator(home.path), {}) == 3, "ledger, its lock, one old one");
}

} // namespace

int main(int count, char** words) {
    every_single_one = count > 1 && std::string_view(words[1]) == "every";
    return sesslimit::test::run_all();
}
