// SPDX-License-Identifier: MIT
#include "fleet/record.hpp"

#include "fleet/same_type.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>

namespace sesslimit::fleet {
namespace {

// --- Encoding ------------------------------------------------------------------------------------------------------

/// A visitor that appends the fields of a record to a value. The caller has checked their bounds.
struct Writer {
    std::string out{};

    void text(std::string_view name, std::size_t, bool, std::string_view text) {
        if (!text.empty()) {
            out.append(out.empty() ? "" : "&").append(name).append("=").append(escape_name(text));
        }
    }
    template <class Number>
    void number(std::string_view name, Number, Number, Number number) {
        text(name, {}, true, std::to_string(number));
    }
};

// --- Decoding ------------------------------------------------------------------------------------------------------

/// A visitor that reads the fields of a value, by name.
class Reader {
  public:
    explicit Reader(std::string_view value) {
        whole_ = value.size() <= max_record;
        for (std::size_t next = 0; whole_ && next != value.npos;) {
            const std::size_t end = value.find('&', next);
            const std::string_view field = value.substr(next, end == value.npos ? end : end - next);
            next = end == value.npos ? end : end + 1;
            const std::size_t equals = field.find('=');
            auto text = equals == field.npos ? std::nullopt : unescape_name(field.substr(equals + 1));
            whole_ = text && texts_.emplace(field.substr(0, equals), *std::move(text)).second;
        }
    }

    /// Stores the text of a field. An absent field leaves `out` empty.
    void text(std::string_view name, std::size_t bound, bool required, std::string& out) {
        const auto found = texts_.find(name);
        if (found == texts_.end()) {
            whole_ = whole_ && !required;
            return;
        }
        whole_ = whole_ && !found->second.empty() && found->second.size() <= bound &&
                 found->second.find('\0') == std::string::npos;
        out = found->second;
    }

    [[nodiscard]] bool has(std::string_view name) const { return texts_.contains(name); }

    /// Stores the number of a required field, which must be in its canonical form.
    template <class Number>
    void number(std::string_view name, Number least, Number most, Number& out) {
        const auto found = texts_.find(name);
        const std::string_view digits = found == texts_.end() ? std::string_view() : std::string_view(found->second);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        whole_ = whole_ && error == std::errc{} && std::to_string(out) == digits && out >= least && out <= most;
    }

    template <class Record>
    std::optional<Record> finish(Record record) const {
        return whole_ ? std::optional(std::move(record)) : std::nullopt;
    }

  private:
    std::map<std::string, std::string, std::less<>> texts_;
    bool whole_ = true;
};

// --- The fields of each record -------------------------------------------------------------------------------------

constexpr std::int64_t latest = std::int64_t{1} << 62; // as in a frame, so that each record fits into an answer

// A visitor receives the name, the bounds and the member of each field. The same functions describe the records for the
// encoder and the decoder.

void fields(Is<SlotRecord> auto& record, auto& visit) {
    visit.text("host", max_name, true, record.host);
    visit.number("session", std::uint64_t{1}, std::numeric_limits<std::uint64_t>::max(), record.session);
    visit.number("since", std::int64_t{0}, latest, record.since);
}

void fields(Is<SessionRecord> auto& record, auto& visit) {
    visit.text("user", max_user, true, record.user);
    visit.number("slot", std::uint32_t{1}, max_slot, record.slot);
    visit.number("since", std::int64_t{0}, latest, record.since);
    visit.text("service", max_service, false, record.service);
    visit.text("tty", max_tty, false, record.tty);
    visit.text("origin", max_origin, false, record.origin);
    visit.text("rule", max_rule, false, record.rule);
}

void fields(Is<HostRecord> auto& record, auto& visit) {
    visit.text("machine", max_id, true, record.machine);
    visit.text("boot", max_id, true, record.boot);
    visit.text("version", max_id, false, record.version);
    visit.text("policy", max_id, false, record.policy);
}

void fields(Is<AckRecord> auto& record, auto& visit) {
    visit.number("count", std::uint32_t{0}, std::numeric_limits<std::uint32_t>::max(), record.count);
}

std::string encode_fields(const auto& record) {
    Writer writer;
    fields(record, writer);
    return std::move(writer.out);
}

template <class Record>
std::optional<Record> decode_fields(std::string_view value) {
    Reader reader(value);
    Record record;
    fields(record, reader);
    return reader.finish(std::move(record));
}

} // namespace

std::string encode(const SlotRecord& record) {
    return encode_fields(record);
}

std::string encode(const SessionRecord& record) {
    return encode_fields(record);
}

std::string encode(const HostRecord& record) {
    return encode_fields(record);
}

std::string encode(const EndOrder& order) {
    Writer writer;
    writer.text(order.kind == EndOrder::Kind::user ? "user" : "credential", max_subject, true, order.subject);
    writer.text("by", max_user, true, order.by);
    writer.text("reason", max_reason, false, order.reason);
    if (order.spread.count() > 0) {
        writer.text("spread", {}, false, std::to_string(order.spread.count()));
    }
    return std::move(writer.out);
}

std::string encode(const AckRecord& record) {
    return encode_fields(record);
}

std::optional<SlotRecord> decode_slot(std::string_view value) {
    auto record = decode_fields<SlotRecord>(value);
    return record && is_valid_name(record->host) ? record : std::nullopt;
}

std::optional<SessionRecord> decode_session(std::string_view value) {
    return decode_fields<SessionRecord>(value);
}

std::optional<HostRecord> decode_host(std::string_view value) {
    return decode_fields<HostRecord>(value);
}

std::optional<AckRecord> decode_ack(std::string_view value) {
    return decode_fields<AckRecord>(value);
}

std::optional<EndOrder> decode_order(std::string_view value) {
    Reader fields(value);
    EndOrder order;
    std::string credential;
    fields.text("user", max_user, false, order.subject);
    fields.text("credential", max_subject, false, credential);
    fields.text("by", max_user, true, order.by);
    fields.text("reason", max_reason, false, order.reason);
    if (fields.has("spread")) {
        std::int64_t spread = 0;
        fields.number("spread", std::int64_t{1}, std::int64_t{max_spread.count()}, spread);
        order.spread = std::chrono::milliseconds(spread);
    }
    // Exactly one of the two selects the sessions.
    if (order.subject.empty() == credential.empty()) {
        return std::nullopt;
    }
    if (!credential.empty()) {
        order.kind = EndOrder::Kind::credential;
        order.subject = std::move(credential);
    }
    return fields.finish(std::move(order));
}

} // namespace sesslimit::fleet
