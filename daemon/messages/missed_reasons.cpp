// SPDX-License-Identifier: MIT
#include "daemon/messages/missed_reasons.hpp"

#include "common/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace sesslimit::messages {
namespace {

/// Removes a decimal number and the blank behind it from the beginning of `line`.
template <class Number>
std::optional<Number> take_number(std::string_view& line) {
    Number number = 0;
    const char* const end = line.data() + line.size();
    const auto [stop, error] = std::from_chars(line.data(), end, number);
    if (error != std::errc{} || stop == end || *stop != ' ') {
        return std::nullopt;
    }
    line.remove_prefix(static_cast<std::size_t>(stop - line.data()) + 1);
    return number;
}

} // namespace

void MissedReasons::keep(uid_t user, BootTime now, std::string_view text) {
    reasons_.insert_or_assign(user, Reason{.at = now, .text = as_utf8(text, max_length)});
    if (reasons_.size() > max_users) {
        reasons_.erase(std::ranges::min_element(reasons_, {}, [](const auto& entry) { return entry.second.at; }));
    }
}

std::string_view MissedReasons::find(uid_t user, BootTime now) const {
    const auto at = reasons_.find(user);
    return at != reasons_.end() && now - at->second.at <= max_age ? std::string_view(at->second.text)
                                                                  : std::string_view();
}

std::string MissedReasons::serialized() const {
    std::string file;
    for (const auto& [user, reason] : reasons_) {
        file += std::to_string(user) + ' ' + std::to_string(reason.at.time_since_epoch().count()) + ' ' + reason.text +
                '\n';
    }
    return file;
}

void MissedReasons::add(std::string_view file, BootTime now) {
    while (!file.empty()) {
        std::string_view line = file.substr(0, file.find('\n'));
        file.remove_prefix(std::min(line.size() + 1, file.size()));
        const auto user = take_number<uid_t>(line);
        const auto at = user ? take_number<std::int64_t>(line) : std::nullopt;
        const bool is_valid = at && *at >= 0 && *at <= now.time_since_epoch().count() && !line.empty() &&
                              line.size() <= max_length && malformed_at(line) == std::string_view::npos &&
                              control_at(line) == std::string_view::npos;
        if (is_valid && reasons_.size() < max_users) {
            reasons_.try_emplace(*user, Reason{.at = BootTime(Duration(*at)), .text = std::string(line)});
        }
    }
}

} // namespace sesslimit::messages
