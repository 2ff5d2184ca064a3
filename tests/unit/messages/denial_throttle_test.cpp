// SPDX-License-Identifier: MIT
// Denials from one address: the first is logged, the others are counted, and the counts add up.
#include "daemon/messages/denial_throttle.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using core::Notice;

Notice denied(const Login& login) {
    Notice notice{.kind = Notice::Kind::denied, .session = session_in(core::Phase::denied), .reason = {}};
    notice.session.login = login;
    notice.reason = {.cause = core::Cause::limit_reached, .count = 3, .span = {}, .by = {}};
    return notice;
}

std::string field(const messages::JournalEntry& entry, std::string_view name) {
    const auto at = std::ranges::find(entry, name, [](const auto& pair) { return std::string_view(pair.first); });
    return at == entry.end() ? "(none)" : at->second;
}

/// A journal substitute that records entries, with a clock that the test advances.
struct Log {
    messages::DenialThrottle denials;
    BootTime now = start;
    std::string text; ///< "0 line; 60 and 3": seconds since `start`, then an entry or a count
    std::uint64_t said = 0;

    void say(const std::vector<messages::SuppressedDenials>& ended) {
        for (const messages::SuppressedDenials& repeated : ended) {
            said += repeated.count;
            add("and " + std::to_string(repeated.count));
        }
    }
    void add(const std::string& what) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(now - start).count();
        text += (text.empty() ? "" : "; ") + std::to_string(seconds) + " " + what;
    }
    void deny(const Login& login = ssh(), int times = 1) {
        for (int at = 0; at < times; ++at) {
            std::vector<messages::SuppressedDenials> ended;
            const bool own_line = denials.take(denied(login), now, ended);
            say(ended);
            if (own_line) {
                ++said;
                add("line");
            }
        }
    }
    /// Advances the clock; windows end at their deadlines.
    void pass(Duration span) {
        const BootTime until = now + span;
        while (denials.deadline() <= until) {
            now = std::max(now, denials.deadline());
            say(denials.due(now));
        }
        now = until;
    }
    void stop() { say(denials.end_all(now)); }
};

SESSLIMIT_TEST(denial_throttle_logs_first_then_count) {
    struct Case {
        std::string_view about;
        void (*happens)(Log&);
        std::string_view text;
    };
    constexpr Case cases[] = {
        {"one",
         [](Log& log) {
             log.deny();
             log.pass(10min);
         },
         "0 line"},
        {"twenty at once",
         [](Log& log) {
             log.deny(ssh(), 20);
             log.pass(10min);
         },
         "0 line; 60 and 19"},
        {"one a day",
         [](Log& log) {
             log.deny();
             log.pass(24h);
             log.deny();
             log.pass(24h);
         },
         "0 line; 86400 line"},
        {"one more just before the end",
         [](Log& log) {
             log.deny();
             log.pass(59s);
             log.deny();
             log.pass(10min);
         },
         "0 line; 60 and 1"},
        {"one more just after the end",
         [](Log& log) {
             log.deny();
             log.pass(60s);
             log.deny();
             log.pass(10min);
         },
         "0 line; 60 line"},
        {"continuing: the next window has no first entry and is twice as long",
         [](Log& log) {
             log.deny(ssh(), 3);
             log.pass(61s);
             log.deny(ssh(), 5);
             log.pass(10min);
         },
         "0 line; 60 and 2; 180 and 5"},
        {"a pause of a whole window: an entry again",
         [](Log& log) {
             log.deny(ssh(), 3);
             log.pass(181s);
             log.deny(ssh(), 5);
             log.pass(10min);
         },
         "0 line; 60 and 2; 181 line; 241 and 4"},
        {"two hosts, separately",
         [](Log& log) {
             log.deny(ssh(), 3);
             log.pass(1s);
             log.deny(ssh(alice, "192.0.2.8"), 4);
             log.pass(10min);
         },
         "0 line; 1 line; 60 and 2; 61 and 3"},
        {"two users of one host together",
         [](Log& log) {
             log.deny(ssh(), 3);
             log.deny(ssh(bob), 4);
             log.pass(10min);
         },
         "0 line; 60 and 6"},
        {"two local users, separately",
         [](Log& log) {
             log.deny(console(), 3);
             log.deny(console(bob), 4);
             log.pass(10min);
         },
         "0 line; 0 line; 60 and 2; 60 and 3"},
        {"the daemon stops",
         [](Log& log) {
             log.deny(ssh(), 3);
             log.pass(1s);
             log.stop();
             log.pass(10min);
         },
         "0 line; 1 and 2"},
        {"a timer that expires late",
         [](Log& log) {
             log.deny(ssh(), 3);
             log.now += 5min;
             log.pass(0s);
         },
         "0 line; 300 and 2"},
    };
    for (const Case& one : cases) {
        Log log;
        one.happens(log);
        EXPECT_TEXT(std::string(one.about) + ": " + log.text, std::string(one.about) + ": " + std::string(one.text));
    }
}

/// One denial per second for a day: the windows grow to an hour, and no denial is lost.
SESSLIMIT_TEST(continuous_denials_logged_hourly) {
    Log log;
    constexpr std::uint64_t seconds = 24 * 3600;
    for (std::uint64_t at = 0; at < seconds; ++at) {
        log.deny();
        log.pass(1s);
    }
    log.stop();
    EXPECT(log.said == seconds, std::to_string(log.said));
    const auto lines = static_cast<std::size_t>(std::ranges::count(log.text, ';')) + 1;
    // 1, 6 until the window is an hour, 23, and one from stop()
    EXPECT(lines <= 31, std::to_string(lines) + ": " + log.text);
    EXPECT(log.text.starts_with("0 line; 60 and 59; 180 and 120; 420 and 240; "), log.text);
}

/// The number of remembered addresses is bounded, and every denial is logged or counted.
SESSLIMIT_TEST(remembered_addresses_bounded_and_denials_not_lost) {
    constexpr std::size_t addresses = 3 * messages::DenialThrottle::max_addresses;
    Log log;
    for (std::size_t at = 0; at < addresses; ++at) {
        log.deny(ssh(alice, "host" + std::to_string(at)), 2);
        log.now += 1ms;
    }
    const std::string before = log.text;
    EXPECT(log.said == addresses + addresses - messages::DenialThrottle::max_addresses, std::to_string(log.said));
    log.text.clear();
    log.deny(ssh(alice, "host" + std::to_string(addresses - 1))); // the most recent address is remembered
    EXPECT_TEXT(log.text, "");
    log.deny(ssh(alice, "host0")); // the oldest is not; the count of the evicted address is logged first
    EXPECT_TEXT(log.text, "0 and 1; 0 line");
    log.stop();
    EXPECT(log.said == 2 * addresses + 2, std::to_string(log.said));
    EXPECT(log.denials.deadline() == never, "no timer is armed");
}

messages::SuppressedDenials repeated() {
    Log log;
    std::vector<messages::SuppressedDenials> none;
    log.denials.take(denied(ssh()), log.now, none);
    for (int at = 0; at < 19; ++at) {
        log.denials.take(denied(ssh()), log.now, none);
    }
    return log.denials.due(log.now + 60s + 400ms).front();
}

SESSLIMIT_TEST(repeated_denials_entry_has_count_and_common_fields) {
    const auto entry = messages::journal_entry(repeated());
    EXPECT_TEXT(field(entry, "MESSAGE"),
                "Denied 19 more logins of alice (sshd, from 192.0.2.7) within 1min: limit of 3 sessions reached.");
    EXPECT_TEXT(field(entry, "SESSLIMIT_EVENT"), "denials-repeated");
    EXPECT_TEXT(field(entry, "MESSAGE_ID"), "9c5b7a0d1e4f4b6e8f6f2a3c0d715e1d");
    EXPECT_TEXT(field(entry, "PRIORITY"), "5");
    EXPECT_TEXT(field(entry, "SESSLIMIT_COUNT"), "19");
    EXPECT_TEXT(field(entry, "SESSLIMIT_ORIGIN"), "192.0.2.7");
    EXPECT_TEXT(field(entry, "SESSLIMIT_USER"), "alice");
    EXPECT_TEXT(field(entry, "SESSLIMIT_UID"), "1001");
    messages::SuppressedDenials one = repeated();
    one.count = 1;
    one.others = true;
    one.origin.clear();
    one.service = "login\x1B";
    one.reason.limit = std::make_shared<const policy::Location>(policy::Location{.file = "policy.toml", .line = 3});
    const auto other = messages::journal_entry(one);
    EXPECT_TEXT(field(other, "MESSAGE"), "Denied 1 more login, the last one of alice (login\\x1b, from this host) "
                                         "within 1min: limit of 3 sessions reached.");
    EXPECT_TEXT(field(other, "SESSLIMIT_USER"), "(none)");
    EXPECT_TEXT(field(other, "SESSLIMIT_RULE"), "policy.toml:3");
}

SESSLIMIT_TEST(repeated_denials_flag_other_users) {
    Log log;
    std::vector<messages::SuppressedDenials> none;
    for (const uid_t user : {alice, bob, bob}) {
        log.denials.take(denied(ssh(user)), log.now, none);
    }
    EXPECT(!log.denials.due(log.now + 60s).front().others, "both repeated denials are of bob");
    for (const uid_t user : {alice, bob, bob}) {
        log.denials.take(denied(ssh(user)), log.now, none);
    }
    EXPECT(log.denials.end_all(log.now + 61s).front().others, "of both users");
}

} // namespace
