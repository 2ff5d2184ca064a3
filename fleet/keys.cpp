// SPDX-License-Identifier: MIT
#include "fleet/keys.hpp"

#include "common/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sesslimit::fleet {
namespace {

constexpr std::size_t slot_digits = 4;
constexpr std::string_view hex_digits = "0123456789ABCDEF";

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '.' || c == '_';
}

/// Returns all keys that start with `prefix`, which ends with "/".
KeyRange range_of(std::string prefix) {
    std::string end = prefix;
    end.back() = '/' + 1;
    return {std::move(prefix), std::move(end)};
}

std::string padded(std::uint32_t slot) {
    const std::string digits = std::to_string(slot);
    return std::string(slot_digits - std::min(slot_digits, digits.size()), '0') + digits;
}

/// Reads a positive number without leading zeros.
std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || text.front() == '0') {
        return std::nullopt;
    }
    return number;
}

/// Returns the rest of `text` after `prefix`, or nullopt if it does not start with `prefix`.
std::optional<std::string_view> rest_after(std::string_view text, std::string_view prefix) {
    return text.starts_with(prefix) ? std::optional(text.substr(prefix.size())) : std::nullopt;
}

} // namespace

std::string escape_name(std::string_view name) {
    std::string escaped;
    escaped.reserve(name.size());
    for (const char c : name) {
        if (is_plain(c)) {
            escaped += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        escaped += {'%', hex_digits[byte >> 4], hex_digits[byte & 15]};
    }
    return escaped;
}

std::optional<std::string> unescape_name(std::string_view text) {
    std::string name;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (is_plain(text[at])) {
            name += text[at];
            continue;
        }
        if (text[at] != '%' || text.size() - at < 3) {
            return std::nullopt;
        }
        const std::size_t high = hex_digits.find(text[at + 1]);
        const std::size_t low = hex_digits.find(text[at + 2]);
        if (high == hex_digits.npos || low == hex_digits.npos) {
            return std::nullopt;
        }
        name += static_cast<char>(high * 16 + low);
        if (is_plain(name.back())) {
            return std::nullopt;
        }
        at += 2;
    }
    return name;
}

bool is_valid_name(std::string_view name) {
    return !name.empty() && name.size() <= max_name && std::ranges::all_of(name, is_plain);
}

Keys::Keys(std::string_view fleet, std::string_view host)
    : name_(host), fleet_("/sesslimit/1/" + escape_name(fleet) + "/"), host_(prefix_of(host)) {}

std::string Keys::prefix_of(std::string_view host) const {
    return fleet_ + "h/" + escape_name(host) + "/";
}

std::string Keys::slot(std::string_view user, std::uint32_t slot) const {
    return fleet_ + "p/" + escape_name(user) + "/" + padded(slot);
}

KeyRange Keys::slots(std::string_view user, std::uint32_t first) const {
    KeyRange range = range_of(fleet_ + "p/" + escape_name(user) + "/");
    if (first > 0) {
        range.first += padded(first);
    }
    return range;
}

std::string Keys::session(std::uint64_t session) const {
    return host_ + "s/" + std::to_string(session);
}

KeyRange Keys::sessions() const {
    return range_of(host_ + "s/");
}

std::string Keys::host_record() const {
    return fleet_ + "n/" + escape_name(name_);
}

std::string Keys::order(std::uint64_t order) const {
    return fleet_ + "end/" + std::to_string(order);
}

KeyRange Keys::orders() const {
    return range_of(fleet_ + "end/");
}

std::string Keys::ack(std::uint64_t order) const {
    return host_ + "ack/" + std::to_string(order);
}

KeyRange Keys::acks() const {
    return range_of(host_ + "ack/");
}

std::string Keys::session_of(std::string_view host, std::uint64_t session) const {
    return prefix_of(host) + "s/" + std::to_string(session);
}

KeyRange Keys::sessions_of(std::string_view host) const {
    return range_of(prefix_of(host) + "s/");
}

std::string Keys::ack_of(std::string_view host, std::uint64_t order) const {
    return prefix_of(host) + "ack/" + std::to_string(order);
}

KeyRange Keys::all_slots() const {
    return range_of(fleet_ + "p/");
}

KeyRange Keys::hosts() const {
    return range_of(fleet_ + "n/");
}

KeyRange Keys::all_of_hosts() const {
    return range_of(fleet_ + "h/");
}

std::optional<SlotKey> Keys::parse_slot(std::string_view key) const {
    const auto rest = rest_after(key, fleet_ + "p/");
    const std::size_t slash = rest ? rest->find('/') : std::string_view::npos;
    if (slash == std::string_view::npos || slash == 0) {
        return std::nullopt;
    }
    auto user = unescape_name(rest->substr(0, slash));
    const std::string_view digits = rest->substr(slash + 1);
    if (!user || user->size() > max_user || digits.size() != slot_digits || !std::ranges::all_of(digits, is_digit)) {
        return std::nullopt;
    }
    std::uint32_t slot = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), slot);
    return slot == 0 ? std::nullopt : std::optional(SlotKey{*std::move(user), slot});
}

std::optional<std::uint64_t> Keys::parse_session(std::string_view key) const {
    const auto rest = rest_after(key, host_ + "s/");
    return rest && !rest->empty() ? number_of(*rest) : std::nullopt;
}

std::optional<std::uint64_t> Keys::parse_ack(std::string_view key) const {
    const auto rest = rest_after(key, host_ + "ack/");
    return rest && !rest->empty() ? number_of(*rest) : std::nullopt;
}

std::optional<std::string> Keys::parse_host(std::string_view key) const {
    const auto rest = rest_after(key, fleet_ + "n/");
    return rest && is_valid_name(*rest) ? std::optional(std::string(*rest)) : std::nullopt;
}

/// Parses a key of the form h/HOST/KIND/NUMBER.
std::optional<HostKey> Keys::parse_any(std::string_view key, std::string_view kind) const {
    const auto rest = rest_after(key, fleet_ + "h/");
    const std::size_t slash = rest ? rest->find('/') : std::string_view::npos;
    if (slash == std::string_view::npos || !is_valid_name(rest->substr(0, slash))) {
        return std::nullopt;
    }
    const auto digits = rest_after(rest->substr(slash + 1), kind);
    const auto number = digits && !digits->empty() ? number_of(*digits) : std::nullopt;
    return number ? std::optional(HostKey{std::string(rest->substr(0, slash)), *number}) : std::nullopt;
}

std::optional<HostKey> Keys::parse_any_session(std::string_view key) const {
    return parse_any(key, "s/");
}

std::optional<HostKey> Keys::parse_any_ack(std::string_view key) const {
    return parse_any(key, "ack/");
}

std::optional<std::uint64_t> Keys::parse_order(std::string_view key) const {
    const auto rest = rest_after(key, fleet_ + "end/");
    return rest && !rest->empty() ? number_of(*rest) : std::nullopt;
}

} // namespace sesslimit::fleet
