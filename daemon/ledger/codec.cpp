// SPDX-License-Identifier: MIT
#include "daemon/ledger/codec.hpp"

#include "common/protocol.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

namespace sesslimit::ledger {
namespace {

using core::Cause;
using core::Phase;
using core::Session;
using core::Terminal;
using core::TerminationStage;

constexpr std::size_t extension_size = sizeof(core::Session::logged_out) + sizeof(core::Session::longest_idle) + 1;
constexpr std::size_t fleet_size = sizeof(core::Session::fleet_limit);
constexpr std::size_t fixed_size = 208 + extension_size + fleet_size;
constexpr std::size_t gid_count_size = sizeof(std::uint16_t);
// Maximum absolute value of a wall clock time in the ledger. The difference of two times within this bound does not
// overflow.
constexpr Duration wall_bound{std::int64_t{1} << 60};

enum Flags : std::uint8_t {
    adopted = 1,
    observed = 2,
    nested = 4,
    gids_cut = 8,
    graphical = 16,
    no_terminal = 32,
    has_terminal = 64,
    terminals = no_terminal | has_terminal, ///< mutually exclusive
    /// The record contains the fields that were added with format version 2.
    extended = 128,
};

/// Flags among the fields that were added with format version 2.
enum MoreFlags : std::uint8_t {
    kept = 1,
    /// The record contains the field that was added with format version 3.
    has_fleet_limit = 2,
    all_more_flags = kept | has_fleet_limit,
};

template <class Text>
struct Field {
    Text* text;
    std::size_t limit;
    Fault too_long;
};

/// Returns all text fields of a session, in the order in which they are encoded in the ledger.
template <class AnySession>
auto texts_of(AnySession& session) noexcept {
    using Text = std::conditional_t<std::is_const_v<AnySession>, const std::string, std::string>;
    auto& login = session.login;
    return std::to_array<Field<Text>>({
        {&login.user, wire::max_user, "user name too long"},
        {&login.service, wire::max_service, "service too long"},
        {&login.tty, wire::max_tty, "terminal too long"},
        {&login.rhost, wire::max_host, "remote host too long"},
        {&login.ruser, wire::max_user, "remote user too long"},
        {&login.credential.method, 64, "method too long"},
        {&login.credential.fingerprint, max_fingerprint_length, "fingerprint too long"},
        {&login.credential.certificate_id, max_certificate_id_length, "certificate ID too long"},
        {&login.credential.ca, max_fingerprint_length, "CA fingerprint too long"},
        {&login.connection, wire::max_connection, "connection too long"},
        {&login.seat, max_seat_length, "seat too long"},
        {&session.logind_id, 64, "logind session ID too long"},
        {&session.scope, 64, "scope too long"},
        {&session.reason.by, core::max_by_length, "detail of the reason too long"},
    });
}

constexpr std::size_t max_texts_length = 14 + 4 * 255 + 2 * 128 + 8 * 64;
static_assert(wire::max_user <= 255 && wire::max_host <= 255 && core::max_by_length <= 255,
              "text lengths use one byte");
static_assert(max_fingerprint_length <= 64 && max_certificate_id_length <= 128 && max_seat_length <= 64);
static_assert(fixed_size + max_texts_length + gid_count_size + sizeof(gid_t) <= max_payload);

/// Writes or reads all numeric fields of a session, in the order in which they are encoded in the ledger. Encoder and
/// decoder share this function, so that their orders cannot differ.
template <class AnySession, class AnyTime, class AnyFlags, class Io>
void fixed_part(AnySession& session, AnyTime& last_use, AnyFlags& flags, Io& io) noexcept {
    io.number(session.key);
    io.number(session.leader.mark);
    io.number(session.opened);
    io.number(session.admitted);
    io.number(last_use);
    io.number(session.grace_until);
    io.number(session.last_notice_at);
    io.number(session.due);
    io.number(session.last_sample.at);
    io.number(session.max_duration);
    io.number(session.idle_timeout);
    io.number(session.idle_timeout_no_terminal);
    io.number(session.duration_warned);
    io.number(session.idle_warned);
    io.number(session.reason.span);
    io.number(session.last_sample.processor_time);
    io.number(session.last_sample.input);
    io.number(session.last_sample.output);
    io.number(session.last_sample.wall_offset);
    // Earlier versions stored the traffic of the ssh connection in these fields.
    std::array<std::uint64_t, 5> unused{};
    for (std::uint64_t& field : unused) {
        io.number(field);
    }
    io.number(session.reason.count);
    io.number(session.leader.pid);
    io.number(session.login.uid);
    io.number(session.phase);
    io.number(session.stage);
    io.number(session.reason.cause);
    io.number(flags);
}

/// Writes or reads the fields that were added with format version 2.
template <class AnySession, class AnyFlags, class Io>
void extension(AnySession& session, AnyFlags& flags, Io& io) noexcept {
    io.number(session.logged_out);
    io.number(session.longest_idle);
    io.number(flags);
}

/// Writer of bytes to a buffer. The caller must ensure that the buffer is large enough.
class Writer {
  public:
    explicit Writer(std::span<std::byte> out) noexcept : out_(out) {}

    template <class Number>
    void number(const Number& value) noexcept {
        static_assert(std::is_trivially_copyable_v<Number>);
        bytes(std::as_bytes(std::span(&value, 1)));
    }

    void bytes(std::span<const std::byte> bytes) noexcept {
        std::ranges::copy(bytes, out_.begin());
        out_ = out_.subspan(bytes.size());
    }

  private:
    std::span<std::byte> out_;
};

/// Reader of the bytes of an encoded session, which may be truncated at any byte. If the data ends too early, the
/// reader returns no further data, and whole() returns false.
class Reader {
  public:
    explicit Reader(std::span<const std::byte> in) noexcept : in_(in) {}

    template <class Number>
    void number(Number& value) noexcept {
        static_assert(std::is_trivially_copyable_v<Number>);
        const auto bytes = take(sizeof value);
        if (!bytes.empty()) {
            std::memcpy(&value, bytes.data(), sizeof value);
        }
    }

    std::span<const std::byte> take(std::size_t size) noexcept {
        if (size > in_.size()) {
            whole_ = false;
            in_ = {};
            return {};
        }
        const auto taken = in_.first(size);
        in_ = in_.subspan(size);
        return taken;
    }

    [[nodiscard]] bool whole() const noexcept { return whole_; }
    [[nodiscard]] bool at_end() const noexcept { return whole_ && in_.empty(); }

  private:
    std::span<const std::byte> in_;
    bool whole_ = true;
};

template <class Enum>
constexpr bool between(Enum first, Enum value, Enum last) noexcept {
    return std::to_underlying(first) <= std::to_underlying(value) &&
           std::to_underlying(value) <= std::to_underlying(last);
}

Fault fault_of_numbers(const Session& session) noexcept {
    if (session.key == SessionKey::none) {
        return "missing key";
    }
    if (!between(Phase::waiting, session.phase, Phase::asking)) {
        return "unknown phase";
    }
    if (!between(TerminationStage::pending, session.stage, TerminationStage::sigkill_sent)) {
        return "unknown stage";
    }
    if (!between(Cause::none, session.reason.cause, Cause::fleet_unavailable)) {
        return "unknown cause";
    }
    if (session.fleet_limit > policy::max_fleet_limit) {
        return "limit of the fleet out of range";
    }
    return session.leader.pid < 0 ? "negative PID" : Fault{};
}

Fault fault_of_times(const Session& session) noexcept {
    if (std::min({session.opened, session.admitted, session.logged_out, session.last_input, session.grace_until,
                  session.last_notice_at, session.due, session.last_sample.at}) < BootTime{}) {
        return "negative time";
    }
    if (std::min({session.max_duration, session.idle_timeout, session.idle_timeout_no_terminal, session.duration_warned,
                  session.idle_warned, session.reason.span, session.last_sample.processor_time}) < Duration{}) {
        return "negative span";
    }
    const auto [least, most] =
        std::minmax({session.last_sample.input, session.last_sample.output, session.last_sample.wall_offset});
    return least < -wall_bound || most > wall_bound ? "wall clock out of range" : Fault{};
}

Fault fault_of_texts(const Session& session) noexcept {
    for (const auto& field : texts_of(session)) {
        if (field.text->size() > field.limit) {
            return field.too_long;
        }
        if (field.text->find('\0') != std::string::npos) {
            return "NUL byte in a string";
        }
    }
    return {};
}

Fault fault_of_gids(const std::vector<gid_t>& gids) noexcept {
    if (std::ranges::adjacent_find(gids, std::greater_equal{}) != gids.end()) {
        return "group IDs not in ascending order";
    }
    return {};
}

std::size_t size_without_gids(const Session& session) noexcept {
    std::size_t size = fixed_size + gid_count_size;
    for (const auto& field : texts_of(session)) {
        size += 1 + field.text->size();
    }
    return size;
}

std::uint8_t flags_of(const Session& session, bool cut) noexcept {
    const int flags = extended | (session.adopted ? adopted : 0) | (session.observed ? observed : 0) |
                      (session.login.nested ? nested : 0) | (cut ? gids_cut : 0) | (session.graphical ? graphical : 0) |
                      (session.terminal == Terminal::none ? no_terminal : 0) |
                      (session.terminal == Terminal::some ? has_terminal : 0);
    return static_cast<std::uint8_t>(flags);
}

void read_texts(Reader& in, Session& session) {
    for (const auto& field : texts_of(session)) {
        std::uint8_t size = 0;
        in.number(size);
        const auto bytes = in.take(size);
        field.text->assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
}

void read_gids(Reader& in, std::vector<gid_t>& gids) {
    std::uint16_t count = 0;
    in.number(count);
    const auto bytes = in.take(count * sizeof(gid_t));
    gids.resize(bytes.size() / sizeof(gid_t));
    if (!bytes.empty()) {
        std::memcpy(gids.data(), bytes.data(), bytes.size());
    }
}

/// Returns the last phase that a record can contain. Format version 2, the first extended one, has added left_behind,
/// and version 3 has added asking.
Phase last_phase(bool is_extended, bool is_version_3) noexcept {
    if (is_version_3) {
        return Phase::asking;
    }
    return is_extended ? Phase::left_behind : Phase::closed;
}

} // namespace

Fault fault_of(const Session& session) noexcept {
    if (const Fault fault = fault_of_numbers(session); !fault.empty()) {
        return fault;
    }
    if (const Fault fault = fault_of_times(session); !fault.empty()) {
        return fault;
    }
    if (const Fault fault = fault_of_texts(session); !fault.empty()) {
        return fault;
    }
    return fault_of_gids(session.login.gids);
}

std::expected<std::size_t, Fault> encode(const Session& session, std::span<std::byte> out) noexcept {
    if (const Fault fault = fault_of(session); !fault.empty()) {
        return std::unexpected(fault);
    }
    const std::size_t without_gids = size_without_gids(session);
    if (out.size() < without_gids) {
        return std::unexpected(Fault("buffer too small"));
    }
    const auto& login = session.login;
    const auto gids =
        std::span(login.gids)
            .first(std::min({login.gids.size(), (out.size() - without_gids) / sizeof(gid_t), std::size_t{UINT16_MAX}}));
    const bool cut = login.gids_cut || gids.size() < login.gids.size();
    const std::uint8_t flags = flags_of(session, cut);
    Writer writer(out);
    const BootTime last_use = core::last_use_of(session);
    fixed_part(session, last_use, flags, writer);
    const auto more_flags = static_cast<std::uint8_t>(has_fleet_limit | (session.kept ? kept : 0));
    extension(session, more_flags, writer);
    writer.number(session.fleet_limit);
    for (const auto& field : texts_of(session)) {
        writer.number(static_cast<std::uint8_t>(field.text->size()));
        writer.bytes(std::as_bytes(std::span(*field.text)));
    }
    writer.number(static_cast<std::uint16_t>(gids.size()));
    writer.bytes(std::as_bytes(gids));
    return without_gids + gids.size_bytes();
}

std::expected<Session, Fault> decode(std::span<const std::byte> payload) {
    // The session is decoded directly into the returned object. A Session is large, and the daemon may read 100,000
    // sessions at its start.
    std::expected<Session, Fault> result;
    Session& session = *result;
    std::uint8_t flags = 0;
    std::uint8_t more_flags = 0;
    Reader reader(payload);
    fixed_part(session, session.last_input, flags, reader);
    if ((flags & extended) != 0) {
        extension(session, more_flags, reader);
    }
    const bool is_version_3 = (more_flags & has_fleet_limit) != 0;
    if (is_version_3) {
        reader.number(session.fleet_limit);
    }
    read_texts(reader, session);
    read_gids(reader, session.login.gids);
    session.adopted = (flags & adopted) != 0;
    session.observed = (flags & observed) != 0;
    session.login.nested = (flags & nested) != 0;
    session.login.gids_cut = (flags & gids_cut) != 0;
    session.graphical = (flags & graphical) != 0;
    session.kept = (more_flags & kept) != 0;
    if ((flags & has_terminal) != 0) {
        session.terminal = Terminal::some;
    } else if ((flags & no_terminal) != 0) {
        session.terminal = Terminal::none;
    }

    Fault fault = fault_of(session);
    if (!reader.whole()) {
        fault = "truncated record";
    } else if (!reader.at_end()) {
        fault = "trailing data";
    } else if ((more_flags & ~all_more_flags) != 0 || (flags & terminals) == terminals) {
        fault = "unknown flag";
    } else if (session.phase > last_phase((flags & extended) != 0, is_version_3)) {
        fault = "unknown phase";
    } else if (!is_version_3 && session.reason.cause > Cause::requested) {
        fault = "unknown cause"; // added with version 3
    }
    if (!fault.empty()) {
        result = std::unexpected(fault);
    }
    return result;
}

} // namespace sesslimit::ledger
