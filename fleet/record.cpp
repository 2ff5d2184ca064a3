// SPDX-License-Identifier: MIT
#include "fleet/record.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>

namespace sesslimit::fleet {
namespace {

// --- Encoding ------------------------------------------------------------------------------------------------------

void append(std::string& out, std::string_view name, std::string_view text) {
    if (!text.empty()) {
        out.append(out.empty() ? "" : "&").append(name).append("=").append(escape_name(text));
    }
}

template <class Number>
    requires std::is_integral_v<Number>
void append(std::string& out, std::string_view name, Number number) {
    append(out, name, std::string_view(std::to_string(number)));
}

// --- Decoding ------------------------------------------------------------------------------------------------------

/// The fields of a value, by name.
class Fields {
  public:
    explicit Fields(std::string_view value) {
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

constexpr auto latest = std::numeric_limits<std::int64_t>::max();

} // namespace

std::string encode(const SlotRecord& record) {
    std::string out;
    append(out, "host", record.host);
    append(out, "session", record.session);
    append(out, "since", record.since);
    return out;
}

std::string encode(const SessionRecord& record) {
    std::string out;
    append(out, "user", record.user);
    append(out, "slot", record.slot);
    append(out, "since", record.since);
    append(out, "service", record.service);
    append(out, "tty", record.tty);
    append(out, "origin", record.origin);
    append(out, "rule", record.rule);
    return out;
}

std::string encode(const HostRecord& record) {
    std::string out;
    append(out, "machine", record.machine);
    append(out, "boot", record.boot);
    append(out, "version", record.version);
    append(out, "policy", record.policy);
    return out;
}

std::string encode(const EndOrder& order) {
    std::string out;
    append(out, order.kind == EndOrder::Kind::user ? "user" : "credential", order.subject);
    append(out, "by", order.by);
    append(out, "reason", order.reason);
    return out;
}

std::optional<SlotRecord> decode_slot(std::string_view value) {
    Fields fields(value);
    SlotRecord record;
    fields.text("host", max_name, true, record.host);
    fields.number("session", std::uint64_t{1}, std::numeric_limits<std::uint64_t>::max(), record.session);
    fields.number("since", std::int64_t{0}, latest, record.since);
    return is_valid_name(record.host) ? fields.finish(std::move(record)) : std::nullopt;
}

std::optional<SessionRecord> decode_session(std::string_view value) {
    Fields fields(value);
    SessionRecord record;
    fields.text("user", max_user, true, record.user);
    fields.number("slot", std::uint32_t{1}, max_slot, record.slot);
    fields.number("since", std::int64_t{0}, latest, record.since);
    fields.text("service", max_service, false, record.service);
    fields.text("tty", max_tty, false, record.tty);
    fields.text("origin", max_origin, false, record.origin);
    fields.text("rule", max_rule, false, record.rule);
    return fields.finish(std::move(record));
}

std::optional<HostRecord> decode_host(std::string_view value) {
    Fields fields(value);
    HostRecord record;
    fields.text("machine", max_id, true, record.machine);
    fields.text("boot", max_id, true, record.boot);
    fields.text("version", max_id, false, record.version);
    fields.text("policy", max_id, false, record.policy);
    return fields.finish(std::move(record));
}

std::optional<EndOrder> decode_order(std::string_view value) {
    Fields fields(value);
    EndOrder order;
    std::string credential;
    fields.text("user", max_user, false, order.subject);
    fields.text("credential", max_subject, false, credential);
    fields.text("by", max_user, true, order.by);
    fields.text("reason", max_reason, false, order.reason);
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
