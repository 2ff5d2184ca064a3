// SPDX-License-Identifier: MIT
#include "daemon/messages/denial_throttle.hpp"

#include "common/duration.hpp"
#include "common/text.hpp"
#include "daemon/messages/message_text.hpp"

#include <algorithm>

namespace sesslimit::messages {
namespace {

void count(SuppressedDenials& counted, const core::Notice& denied) {
    const Login& login = denied.session.login;
    counted.others = counted.others || (counted.count > 0 && counted.uid != login.uid);
    counted.origin = login.rhost;
    counted.user = login.user;
    counted.uid = login.uid;
    counted.service = login.service;
    counted.reason = denied.reason;
    ++counted.count;
}

} // namespace

bool DenialThrottle::take(const core::Notice& denied, BootTime now, std::vector<SuppressedDenials>& ended) {
    const Login& login = denied.session.login;
    const Address address{login.rhost, login.rhost.empty() ? login.uid : uid_t{}};
    if (const auto known = windows_.find(address); known != windows_.end()) {
        count(known->second.counted, denied);
        return false;
    }
    if (windows_.size() >= max_addresses) {
        end_oldest(now, ended);
    }
    windows_[address] = {.since = now, .length = first_window, .counted = {}};
    return true;
}

std::vector<SuppressedDenials> DenialThrottle::due(BootTime now) {
    std::vector<SuppressedDenials> ended;
    for (auto at = windows_.begin(); at != windows_.end();) {
        Window& window = at->second;
        if (after(window.since, window.length) > now) {
            ++at;
        } else if (window.counted.count == 0) {
            at = windows_.erase(at);
        } else {
            window.counted.within = now - window.since;
            ended.push_back(std::exchange(window.counted, {}));
            window.since = now;
            window.length = std::min(2 * window.length, max_window);
            ++at;
        }
    }
    return ended;
}

std::vector<SuppressedDenials> DenialThrottle::end_all(BootTime now) {
    std::vector<SuppressedDenials> ended;
    while (!windows_.empty()) {
        end_oldest(now, ended);
    }
    return ended;
}

BootTime DenialThrottle::deadline() const {
    BootTime earliest = never;
    for (const auto& [address, window] : windows_) {
        earliest = std::min(earliest, after(window.since, window.length));
    }
    return earliest;
}

void DenialThrottle::end_oldest(BootTime now, std::vector<SuppressedDenials>& ended) {
    const auto oldest = std::ranges::min_element(windows_, {}, [](const auto& entry) { return entry.second.since; });
    Window& window = oldest->second;
    if (window.counted.count > 0) {
        window.counted.within = now - window.since;
        ended.push_back(std::move(window.counted));
    }
    windows_.erase(oldest);
}

JournalEntry journal_entry(const SuppressedDenials& repeated) {
    const std::string user = escape_for_display(repeated.user, name_bytes);
    const std::string service = escape_for_display(repeated.service, name_bytes);
    const std::string origin = escape_for_display(repeated.origin, host_bytes);
    const std::string sessions = repeated.count == 1 ? " more login" : " more logins";
    const std::string whose = repeated.others ? ", the last one of " + user : " of " + user;
    const Duration within = std::chrono::round<std::chrono::seconds>(repeated.within);
    JournalEntry entry{
        {"MESSAGE", "Denied " + std::to_string(repeated.count) + sessions + whose + " (" + service + ", from " +
                        (origin.empty() ? "this host" : origin) + ") within " + format_span(within) + ": " +
                        reason_text(repeated.reason) + "."},
        {"PRIORITY", "5"},
        {"MESSAGE_ID", denials_repeated_id},
        {"SESSLIMIT_EVENT", "denials-repeated"},
        {"SESSLIMIT_COUNT", std::to_string(repeated.count)},
        {"SESSLIMIT_SERVICE", as_journal_field(repeated.service)},
        {"SESSLIMIT_ORIGIN", as_journal_field(repeated.origin)},
    };
    add_limit(entry, repeated.reason);
    if (!repeated.others) {
        entry.emplace_back("SESSLIMIT_USER", as_journal_field(repeated.user));
        entry.emplace_back("SESSLIMIT_UID", std::to_string(repeated.uid));
    }
    return entry;
}

} // namespace sesslimit::messages
