// SPDX-License-Identifier: MIT
#include "daemon/ledger/codec.hpp"

#include "tests/unit/support/ledger_sample.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <random>

using namespace sesslimit;
using namespace sesslimit::test;
using core::Session;
using ledger::decode;
using ledger::encode;
using ledger::max_payload;

namespace {

Bytes encoded(const Session& session, std::size_t room = max_payload) {
    Bytes bytes(room);
    const auto size = encode(session, bytes);
    bytes.resize(size.value_or(0));
    return bytes;
}

/// Counts the members of a Session. A new member does not compile until it is added here, and the ledger must then be
/// checked for it.
[[maybe_unused]] void every_field_is_known(const Session& session) {
    [[maybe_unused]] const auto& [key, phase, adopted, observed, probe_failed, graphical, kept, counts_left_behind,
                                  limits_left_behind, is_used_by_mosh, awaits_logout, is_beyond_fleet_limit,
                                  fleet_claim, fleet_limit, logout_check, terminal, last_source, stage, longest_idle,
                                  login, leader, logind_id, scope, opened, admitted, logged_out, last_input, traffic,
                                  perhaps_used, grace_until, max_duration, idle_timeout, idle_timeout_no_terminal, seen,
                                  last_notice_at, last_denial_notice_at, duration_warned, idle_warned, reason,
                                  idle_stop, shared_limits, request, answer_by, claim_until, due] = session;
    [[maybe_unused]] const auto& [at, input, output, wall_offset, processor_time, processor_at] = seen;
    [[maybe_unused]] const auto& [user, uid, gids, service, tty, rhost, ruser, seat, credential, connection, nested,
                                  gids_cut] = login;
    [[maybe_unused]] const auto& [method, fingerprint, certificate_id, ca] = credential;
    [[maybe_unused]] const auto& [cause, count, span, by, limit, person, holders] = reason;
    [[maybe_unused]] const auto& [pid, mark] = leader;
}

SESSLIMIT_TEST(encoded_session_decodes_to_same_session) {
    Session least;
    least.key = SessionKey{1};
    Session ordinary = sample(3, 44);
    Session waiting = sample(4);
    waiting.phase = core::Phase::waiting;
    Session asking = sample(5);
    asking.phase = core::Phase::asking;
    asking.fleet_limit = 1000;
    Session denied = sample(6);
    denied.phase = core::Phase::denied;
    denied.reason.cause = core::Cause::fleet_unavailable;
    for (const Session& session : {least, ordinary, waiting, asking, denied, fullest()}) {
        const auto back = decode(encoded(session));
        EXPECT(back.has_value(), session.login.user);
        EXPECT(back == session, session.login.user);
    }
}

SESSLIMIT_TEST(transient_fields_not_recorded) {
    Session session = sample(5);
    session.request = RequestId{9};
    session.answer_by = session.claim_until = BootTime(Duration(77));
    session.fleet_claim = core::FleetClaim::asked;
    session.is_beyond_fleet_limit = true;
    session.reason.holders = {.count = 1, .named = {{"web1", 5}}};
    session.probe_failed = true;
    session.idle_stop = Duration(79);
    session.reason.limit = std::make_shared<const policy::Location>(policy::Location{.file = "policy.toml", .line = 3});
    session.perhaps_used = session.last_denial_notice_at = BootTime(Duration(78));
    const auto back = decode(encoded(session));
    EXPECT(back && back->request == RequestId::none && back->answer_by == never, "request");
    EXPECT(back && back->claim_until == never && back->fleet_claim == core::FleetClaim::none &&
               !back->is_beyond_fleet_limit && back->reason.holders == core::FleetHolders{},
           "fleet");
    EXPECT(back && !back->probe_failed, "failed probe");
    EXPECT(back && !back->reason.limit, "limit of the reason");
    EXPECT(back && back->idle_stop == Duration{}, "stop by logind");
    EXPECT(back && back->perhaps_used == BootTime{} && back->last_denial_notice_at == BootTime{}, "times");
}

SESSLIMIT_TEST(use_by_connections_recorded) {
    Session session = sample(5);
    core::SessionTraffic traffic;
    traffic.use.last = session.last_input + std::chrono::minutes(1);
    session.traffic = std::make_shared<const core::SessionTraffic>(traffic);
    const auto back = decode(encoded(session));
    EXPECT(back && back->last_input == traffic.use.last, "last use");
}

SESSLIMIT_TEST(encoded_layout_matches_specification) {
    Session session = sample(0x0102030405060708, 3);
    session.adopted = true;
    session.login.nested = true;
    session.graphical = true;
    session.terminal = core::Terminal::some;
    session.reason.cause = core::Cause::displaced;
    session.stage = core::TerminationStage::notified;
    session.logged_out = BootTime(Duration(21));
    session.longest_idle = core::WholeSeconds(0x01020304);
    session.kept = true;
    session.fleet_limit = 0x0304;
    const Bytes bytes = encoded(session);
    const auto number = [&](std::size_t at, std::size_t size) {
        std::uint64_t value = 0;
        std::memcpy(&value, bytes.data() + at, size); // all supported hosts are little-endian
        return value;
    };
    EXPECT(number(0, 8) == 0x0102030405060708, "key");
    EXPECT(number(16, 8) == 0x0102030405060708, "opened");
    EXPECT(number(32, 8) == 3, "last input");
    EXPECT(number(192, 4) == 3, "count");
    EXPECT(number(200, 4) == 3, "uid");
    EXPECT(number(204, 1) == 3 && number(205, 1) == 1 && number(206, 1) == 5 && number(207, 1) == 5 + 16 + 64 + 128,
           "one-byte fields");
    EXPECT(number(208, 8) == 21 && number(216, 4) == 0x01020304 && number(220, 1) == 1 + 2, "fields of version 2");
    EXPECT(number(221, 2) == 0x0304, "field of version 3");
    EXPECT(number(223, 1) == session.login.user.size(), "length of the first text");
    EXPECT(std::memcmp(bytes.data() + 224, session.login.user.data(), session.login.user.size()) == 0, "first text");
    EXPECT(number(bytes.size() - 10, 2) == 2 && number(bytes.size() - 8, 4) == 100, "group ids");
}

SESSLIMIT_TEST(encoded_texts_in_specified_order) {
    Session session;
    session.key = SessionKey{1};
    Login& login = session.login;
    login.user = "1";
    login.service = "2";
    login.tty = "3";
    login.rhost = "4";
    login.ruser = "5";
    login.credential = {.method = "6", .fingerprint = "7", .certificate_id = "8", .ca = "9"};
    login.connection = "a";
    login.seat = "b";
    session.logind_id = "c";
    session.scope = "d";
    session.reason.by = "e";
    const Bytes bytes = encoded(session);
    std::string texts;
    for (std::size_t at = 223; at + 2 < bytes.size(); at += 2) {
        EXPECT(bytes[at] == std::byte{1}, std::to_string(at));
        texts += static_cast<char>(bytes[at + 1]);
    }
    EXPECT_TEXT(texts, "123456789abcde");
    EXPECT(decode(bytes) == session, "decodes again");
}

/// Computes the CRC-32 of IEEE 802.3 bit by bit.
std::uint32_t slow_crc(std::span<const std::byte> bytes) {
    std::uint32_t crc = ~std::uint32_t{0};
    for (const std::byte byte : bytes) {
        crc ^= std::to_integer<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
        }
    }
    return ~crc;
}

SESSLIMIT_TEST(slot_copy_layout_matches_specification) {
    constexpr std::size_t size = 100;
    Bytes slot(ledger::slot_size, std::byte{0xaa});
    ledger::write_slot(slot_of(slot, 0), 5, Bytes(size, std::byte{0x55}));

    Bytes checked(12 + size, std::byte{0x55});
    std::ranges::fill(std::span(checked).first(12), std::byte{});
    checked[0] = std::byte{5};
    checked[8] = std::byte{size};
    const std::uint32_t crc = slow_crc(checked);
    const auto copy = std::span(slot).last(ledger::copy_size);
    EXPECT(std::ranges::equal(copy.first(12), std::span(checked).first(12)), "generation and length");
    EXPECT(std::memcmp(copy.data() + 12, &crc, sizeof crc) == 0, "checksum");
    EXPECT(std::ranges::equal(copy.subspan(16, size), std::span(checked).last(size)), "payload");
    EXPECT(std::ranges::count(slot, std::byte{0xaa}) == static_cast<long>(slot.size() - 16 - size),
           "nothing else is written");
}

SESSLIMIT_TEST(group_ids_beyond_room_cut) {
    Session session = fullest();
    session.login.gids_cut = false;
    session.login.gids.clear();
    for (gid_t gid = 0; gid < 5000; ++gid) {
        session.login.gids.push_back(gid * 2);
    }
    const auto back = decode(encoded(session));
    Session kept = session;
    kept.login.gids.resize(1);
    kept.login.gids_cut = true;
    EXPECT(back.has_value(), "as many as fit");
    EXPECT(back == kept, "as many as fit");

    session.login.gids.resize(1);
    EXPECT(decode(encoded(session)) == session, "exactly as many as fit");

    const std::size_t without = encoded(session).size() - sizeof(gid_t);
    EXPECT(encoded(session, without).size() == without, "room for none of them");
    EXPECT(encoded(session, without - 1).empty(), "no room for the texts");
    EXPECT(encoded(session, 0).empty(), "no room at all");
}

struct Impossible {
    const char* fault;
    std::function<void(Session&)> spoil;
};

const Impossible impossible_ones[] = {
    {"missing key", [](Session& s) { s.key = SessionKey::none; }},
    {"unknown phase", [](Session& s) { s.phase = core::Phase{0}; }},
    {"unknown phase", [](Session& s) { s.phase = core::Phase{9}; }},
    {"limit of the fleet out of range", [](Session& s) { s.fleet_limit = 1001; }},
    {"unknown stage", [](Session& s) { s.stage = core::TerminationStage{4}; }},
    {"unknown cause", [](Session& s) { s.reason.cause = core::Cause{10}; }},
    {"negative PID", [](Session& s) { s.leader.pid = -1; }},
    {"negative time", [](Session& s) { s.opened = BootTime(Duration(-1)); }},
    {"negative time", [](Session& s) { s.last_input = BootTime::min(); }},
    {"negative time", [](Session& s) { s.grace_until = BootTime(Duration(-1)); }},
    {"negative time", [](Session& s) { s.logged_out = BootTime(Duration(-1)); }},
    {"negative time", [](Session& s) { s.admitted = BootTime(Duration(-1)); }},
    {"negative time", [](Session& s) { s.last_notice_at = BootTime(Duration(-1)); }},
    {"negative time", [](Session& s) { s.last_sample.at = BootTime(Duration(-1)); }},
    {"negative time", [](Session& s) { s.due = BootTime(Duration(-1)); }},
    {"negative span", [](Session& s) { s.max_duration = Duration(-1); }},
    {"negative span", [](Session& s) { s.idle_timeout = Duration::min(); }},
    {"negative span", [](Session& s) { s.idle_timeout_no_terminal = Duration(-1); }},
    {"negative span", [](Session& s) { s.last_sample.processor_time = Duration(-1); }},
    {"negative span", [](Session& s) { s.duration_warned = Duration(-1); }},
    {"negative span", [](Session& s) { s.idle_warned = Duration(-1); }},
    {"negative span", [](Session& s) { s.reason.span = Duration(-1); }},
    {"wall clock out of range", [](Session& s) { s.last_sample.input = Duration::max(); }},
    {"wall clock out of range", [](Session& s) { s.last_sample.input = Duration::min(); }},
    {"wall clock out of range", [](Session& s) { s.last_sample.output = Duration::max(); }},
    {"wall clock out of range", [](Session& s) { s.last_sample.wall_offset = Duration((std::int64_t{1} << 60) + 1); }},
    {"user name too long", [](Session& s) { s.login.user.assign(256, 'x'); }},
    {"service too long", [](Session& s) { s.login.service.assign(65, 'x'); }},
    {"terminal too long", [](Session& s) { s.login.tty.assign(65, 'x'); }},
    {"remote host too long", [](Session& s) { s.login.rhost.assign(256, 'x'); }},
    {"remote user too long", [](Session& s) { s.login.ruser.assign(256, 'x'); }},
    {"method too long", [](Session& s) { s.login.credential.method.assign(65, 'x'); }},
    {"fingerprint too long", [](Session& s) { s.login.credential.fingerprint.assign(65, 'x'); }},
    {"certificate ID too long", [](Session& s) { s.login.credential.certificate_id.assign(129, 'x'); }},
    {"CA fingerprint too long", [](Session& s) { s.login.credential.ca.assign(65, 'x'); }},
    {"seat too long", [](Session& s) { s.login.seat.assign(65, 'x'); }},
    {"connection too long", [](Session& s) { s.login.connection.assign(129, 'x'); }},
    {"logind session ID too long", [](Session& s) { s.logind_id.assign(65, 'x'); }},
    {"scope too long", [](Session& s) { s.scope.assign(100'000, 'x'); }},
    {"detail of the reason too long", [](Session& s) { s.reason.by.assign(256, 'x'); }},
    {"NUL byte in a string", [](Session& s) { s.login.user.assign(1, '\0'); }},
    {"NUL byte in a string", [](Session& s) { s.reason.by.assign(255, '\0'); }},
    {"NUL byte in a string", [](Session& s) { s.login.credential.certificate_id.assign("a\0b", 3); }},
    {"group IDs not in ascending order", [](Session& s) { s.login.gids = {5, 4}; }},
    {"group IDs not in ascending order", [](Session& s) { s.login.gids = {4, 4}; }},
};

SESSLIMIT_TEST(invalid_sessions_not_encoded) {
    for (const Impossible& test : impossible_ones) {
        Session session = sample(6);
        test.spoil(session);
        Bytes bytes(max_payload);
        const auto size = encode(session, bytes);
        EXPECT(!size.has_value(), test.fault);
        EXPECT_TEXT(size.error(), test.fault);
    }
}

struct Forged {
    const char* fault;
    std::size_t at;
    std::uint8_t byte;
};

/// Bytes that encode() never writes. A time is made negative by its highest byte.
const Forged forged_ones[] = {
    {"negative time", 23, 0x80},
    {"negative time", 31, 0xff},
    {"negative time", 39, 0x80},
    {"negative time", 47, 0x80},
    {"negative time", 55, 0x80},
    {"negative time", 63, 0x80},
    {"negative time", 71, 0x80},
    {"negative span", 79, 0x80},
    {"negative span", 87, 0x80},
    {"negative span", 95, 0x80},
    {"negative span", 103, 0x80},
    {"negative span", 111, 0x80},
    {"negative span", 119, 0x80},
    {"negative span", 127, 0x80},
    {"wall clock out of range", 135, 0x7f},
    {"wall clock out of range", 143, 0x80},
    {"wall clock out of range", 151, 0x80},
    {"negative PID", 199, 0x80},
    {"unknown phase", 204, 0},
    {"unknown phase", 204, 9},
    {"unknown phase", 204, 255},
    {"unknown stage", 205, 4},
    {"unknown cause", 206, 10},
    {"unknown flag", 207, 32 + 64 + 128},
    {"negative time", 215, 0x80},
    {"unknown flag", 220, 2 + 4},
    {"limit of the fleet out of range", 222, 4},
    {"NUL byte in a string", 224, 0},
    {"truncated record", 223, 255},
};

SESSLIMIT_TEST(forged_payloads_not_decoded) {
    const Bytes good = encoded(sample(6));
    for (const Forged& test : forged_ones) {
        Bytes bytes = good;
        bytes[test.at] = std::byte{test.byte};
        const auto back = decode(bytes);
        EXPECT(!back.has_value(), test.fault);
        EXPECT_TEXT(back.error(), test.fault);
    }
    Bytes longer = good;
    longer.push_back(std::byte{});
    EXPECT_TEXT(decode(longer).has_value() ? "read" : decode(longer).error(), "trailing data");
}

SESSLIMIT_TEST(truncated_payload_not_decoded) {
    for (const Session& session : {sample(7, 150), fullest()}) {
        const Bytes whole = encoded(session);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            // A buffer of exactly this size, so that a sanitizer detects a read beyond it.
            const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT(!decode(cut).has_value(), std::to_string(size));
        }
    }
}

/// Returns true if the bytes are a record of format version 2, without the field of version 3.
bool is_version_2(const Bytes& bytes) {
    return bytes.size() > 220 && (bytes[220] & std::byte{2}) == std::byte{};
}

/// Returns the record of format version 2 of a session.
Bytes version_2(const Session& session) {
    Bytes bytes = encoded(session);
    bytes[220] &= ~std::byte{2};
    bytes.erase(bytes.begin() + 221, bytes.begin() + 223);
    return bytes;
}

/// Returns true if the bytes are a record of format version 1, without the fields of version 2.
bool is_version_1(const Bytes& bytes) {
    return bytes.size() > 207 && (bytes[207] & std::byte{128}) == std::byte{};
}

/// Returns the record of format version 1 of a session.
Bytes version_1(const Session& session) {
    Bytes bytes = encoded(session);
    bytes[207] &= std::byte{127};
    bytes.erase(bytes.begin() + 208, bytes.begin() + 223);
    return bytes;
}

/// Returns true if the bytes are rejected, or decode to a valid session that encodes to the same bytes.
bool honest(const Bytes& bytes) {
    const auto session = decode(bytes);
    if (!session) {
        return true;
    }
    const Bytes again = is_version_1(bytes)   ? version_1(*session)
                        : is_version_2(bytes) ? version_2(*session)
                                              : encoded(*session);
    return ledger::fault_of(*session).empty() && again.size() == bytes.size() && decode(again) == session;
}

SESSLIMIT_TEST(record_of_version_1_decoded) {
    Session session = fullest();
    const auto unknown = decode(version_1(session));
    EXPECT_TEXT(unknown ? "decoded" : unknown.error(), "unknown phase");
    session.phase = core::Phase::closed;
    session.kept = false;
    session.logged_out = {};
    session.longest_idle = {};
    session.fleet_limit = 0;
    EXPECT(decode(version_1(session)) == session, "closed");
}

SESSLIMIT_TEST(record_of_version_2_decoded) {
    Session session = fullest();
    session.fleet_limit = 0;
    EXPECT(decode(version_2(session)) == session, "left behind");
    session.phase = core::Phase::asking;
    const auto asking = decode(version_2(session));
    EXPECT_TEXT(asking ? "decoded" : asking.error(), "unknown phase");
    session.phase = core::Phase::denied;
    session.reason.cause = core::Cause::fleet_limit_reached;
    const auto denied = decode(version_2(session));
    EXPECT_TEXT(denied ? "decoded" : denied.error(), "unknown cause");
}

SESSLIMIT_TEST(payload_with_flipped_bit_rejected_or_consistent) {
    for (const Session& session : {sample(8, 20), fullest()}) {
        Bytes bytes = encoded(session);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            const auto mask = static_cast<std::byte>(1U << (bit % 8));
            bytes[bit / 8] ^= mask;
            EXPECT(honest(bytes), std::to_string(bit));
            bytes[bit / 8] ^= mask;
        }
    }
}

SESSLIMIT_TEST(random_payload_rejected_or_consistent) {
    std::mt19937_64 random(20240607);
    std::size_t read = 0;
    for (int round = 0; round < 20'000; ++round) {
        Bytes bytes = round % 2 == 0 ? encoded(sample(random(), static_cast<std::uint32_t>(random()))) : Bytes();
        bytes.resize(bytes.empty() ? random() % (max_payload + 1) : bytes.size());
        const std::size_t changes = round % 2 == 0 ? 1 + random() % 4 : bytes.size();
        for (std::size_t change = 0; change < changes && !bytes.empty(); ++change) {
            bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        }
        EXPECT(honest(bytes), std::to_string(round));
        read += decode(bytes).has_value() ? 1U : 0U;
    }
    EXPECT(read > 100, "enough payloads were decoded");
}

} // namespace
