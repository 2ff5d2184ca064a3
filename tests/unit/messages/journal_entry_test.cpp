// SPDX-License-Identifier: MIT
#include "daemon/messages/journal_entry.hpp"

#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace sesslimit::core;
using Kind = Notice::Kind;

const std::string hostile = "x\x1B]0;pwned\a\n\r\xE2\x80\xAE\xFFy\\z";
const std::string as_field = "x\\x1b]0;pwned\\x07\\x0a\\x0d\\xe2\\x80\\xae\\xffy\\z";
const Reason idle{.cause = Cause::idle, .count = 0, .span = 15min, .by = {}};

Notice notice_of(Kind kind, Reason reason = {}, Duration left = {}) {
    return {.kind = kind, .session = session_in(Phase::active), .reason = std::move(reason), .left = left};
}

Notice locking(Notice notice) {
    notice.locks = true;
    return notice;
}

/// Returns the values of a field, which may occur several times, separated by spaces.
std::string field(const messages::JournalEntry& entry, std::string_view name) {
    std::string values;
    for (const auto& [field, value] : entry) {
        if (field == name) {
            values += (values.empty() ? "" : " ") + value;
        }
    }
    return values.empty() ? "(none)" : values;
}

/// Users build alerts on these values. A change breaks them.
SESSLIMIT_TEST(journal_entries_have_stable_ids_and_events) {
    struct Case {
        Kind kind;
        std::string_view event;
        std::string_view id_end; ///< end of 9c5b7a0d1e4f4b6e8f6f2a3c0d715eXX
        std::string_view message;
    };
    constexpr Case cases[] = {
        {Kind::admitted, "admitted", "10", "Admitted login of alice (sshd, from 192.0.2.7)."},
        {Kind::adopted, "adopted", "11", "Adopted existing session c1 of alice (sshd, from 192.0.2.7)."},
        {Kind::denied, "denied", "12", "Denied login of alice (sshd, from 192.0.2.7): no input for 15min."},
        {Kind::would_deny, "would-deny", "13",
         "Would have denied login of alice (sshd, from 192.0.2.7): no input for 15min. The login was admitted "
         "because the mode is observe."},
        {Kind::warned, "warned", "14", "Warned session c1 of alice: it ends in 1min, no input for 15min."},
        {Kind::kept, "kept", "15", "Keeping session c1 of alice open: activity after the warning."},
        {Kind::locked, "locked", "1c", "Locked session c1 of alice (sshd, from 192.0.2.7): no input for 15min."},
        {Kind::ending, "ending", "16", "Terminating session c1 of alice (sshd, from 192.0.2.7): no input for 15min."},
        {Kind::would_end, "would-end", "17",
         "Would have terminated session c1 of alice (sshd, from 192.0.2.7): no input for 15min. Not terminated because "
         "the mode is observe."},
        {Kind::forced, "forced", "18",
         "Sent SIGKILL to session c1 of alice because its processes did not exit when the session was terminated."},
        {Kind::ended, "ended", "19", "Terminated session c1 of alice (sshd, from 192.0.2.7): no input for 15min."},
        {Kind::released, "released", "1a", "Closed session c1 of alice (sshd, from 192.0.2.7): no input for 15min."},
    };
    std::set<std::string> ids;
    for (const Case& one : cases) {
        const auto entry = messages::journal_entry(notice_of(one.kind, idle, 1min));
        EXPECT_TEXT(field(entry, "SESSLIMIT_EVENT"), one.event);
        EXPECT_TEXT(field(entry, "MESSAGE"), one.message);
        EXPECT_TEXT(field(entry, "MESSAGE_ID"), "9c5b7a0d1e4f4b6e8f6f2a3c0d715e" + std::string(one.id_end));
        EXPECT_TEXT(field(entry, "SESSLIMIT_REASON"), "idle");
        ids.insert(field(entry, "MESSAGE_ID"));
    }
    EXPECT(ids.size() == std::size(cases), "all IDs differ");
}

SESSLIMIT_TEST(journal_names_idle_stop_of_logind) {
    const auto logout = messages::journal_entry(notice_of(Kind::released));
    EXPECT_TEXT(field(logout, "MESSAGE"), "Closed session c1 of alice (sshd, from 192.0.2.7).");
    EXPECT_TEXT(field(logout, "SESSLIMIT_REASON"), "(none)");
    const auto stopped = messages::journal_entry(
        notice_of(Kind::released, {.cause = Cause::logind_idle, .count = 0, .span = 10min, .by = {}}));
    EXPECT_TEXT(field(stopped, "MESSAGE"), "Closed session c1 of alice (sshd, from 192.0.2.7): stopped by logind, "
                                           "probably as idle (StopIdleSessionSec=10min).");
    EXPECT_TEXT(field(stopped, "SESSLIMIT_REASON"), "logind-idle");
}

SESSLIMIT_TEST(journal_reports_lock_instead_of_end) {
    EXPECT_TEXT(field(messages::journal_entry(locking(notice_of(Kind::warned, idle, 1min))), "MESSAGE"),
                "Warned session c1 of alice: it will be locked in 1min, no input for 15min.");
    EXPECT_TEXT(field(messages::journal_entry(locking(notice_of(Kind::would_end, idle))), "MESSAGE"),
                "Would have locked session c1 of alice (sshd, from 192.0.2.7): no input for 15min. Not locked because "
                "the mode is observe.");
}

SESSLIMIT_TEST(journal_fields_escaped) {
    Notice notice = notice_of(Kind::admitted);
    notice.note = hostile;
    notice.session.key = key(17);
    notice.session.login.user = hostile;
    notice.session.login.rhost = hostile;
    notice.session.login.service = hostile;
    notice.session.login.seat = hostile;
    notice.session.login.tty = hostile;
    notice.session.login.credential = {
        .method = hostile, .fingerprint = hostile, .certificate_id = hostile, .ca = hostile};
    notice.session.logind_id = hostile;
    notice.reason.limit = std::make_shared<const policy::Location>(policy::Location{.file = hostile, .line = 1});
    const auto entry = messages::journal_entry(notice);
    EXPECT_TEXT(field(entry, "SESSLIMIT_USER"), as_field);
    EXPECT_TEXT(field(entry, "SESSLIMIT_SEAT"), as_field);
    EXPECT_TEXT(field(entry, "SESSLIMIT_TERMINAL"), as_field);
    EXPECT_TEXT(field(entry, "SESSLIMIT_METHOD"), as_field);
    EXPECT_TEXT(field(entry, "SESSLIMIT_CREDENTIAL"), as_field + " cert-id:" + as_field + " ca:" + as_field);
    EXPECT_TEXT(field(entry, "SESSLIMIT_RULE"), as_field + ":1");
    EXPECT_TEXT(field(entry, "SESSLIMIT_ORIGIN"), as_field);
    EXPECT_TEXT(field(entry, "SESSLIMIT_SERVICE"), as_field);
    EXPECT_TEXT(field(entry, "SESSLIMIT_SESSION"), as_field);
    EXPECT_TEXT(field(entry, "SESSLIMIT_NOTE"), as_field);
    EXPECT_TEXT(field(entry, "SESSLIMIT_UID"), "1001");
    EXPECT_TEXT(field(entry, "SESSLIMIT_KEY"), "17");
    EXPECT_TEXT(field(entry, "SESSLIMIT_LEADER"), "500");
    EXPECT_TEXT(field(entry, "SESSLIMIT_REASON"), "(none)");
    for (const auto& [name, value] : entry) {
        EXPECT(value.find_first_of("\x1B\n\r\a\xFF") == std::string::npos, name);
    }
}

SESSLIMIT_TEST(journal_entry_has_fields_of_history) {
    struct Case {
        std::string_view name;
        std::string_view value;
        void (*change)(Notice&);
    };
    constexpr auto nothing = [](Notice&) {};
    const Case cases[] = {
        {"SESSLIMIT_METHOD", "(none)", nothing},
        {"SESSLIMIT_METHOD", "publickey", [](Notice& n) { n.session.login.credential.method = "publickey"; }},
        {"SESSLIMIT_CREDENTIAL", "(none)", nothing},
        {"SESSLIMIT_CREDENTIAL", "SHA256:A", [](Notice& n) { n.session.login.credential.fingerprint = "SHA256:A"; }},
        {"SESSLIMIT_CREDENTIAL", "SHA256:A cert-id:b ca:SHA256:C",
         [](Notice& n) {
             n.session.login.credential = {
                 .method = {}, .fingerprint = "SHA256:A", .certificate_id = "b", .ca = "SHA256:C"};
         }},
        {"SESSLIMIT_GID", "100", nothing},
        {"SESSLIMIT_GID", "(none)", [](Notice& n) { n.session.login.gids.clear(); }},
        {"SESSLIMIT_GID", "7 8", [](Notice& n) { n.session.login.gids = {7, 8}; }},
        {"SESSLIMIT_SEAT", "(none)", nothing},
        {"SESSLIMIT_SEAT", "seat0", [](Notice& n) { n.session.login.seat = "seat0"; }},
        {"SESSLIMIT_TERMINAL", "ssh", nothing},
        {"SESSLIMIT_TERMINAL", "(none)", [](Notice& n) { n.session.login.tty.clear(); }},
        {"SESSLIMIT_RULE", "(none)", nothing},
        {"SESSLIMIT_RULE", "/etc/sesslimit/policy.toml:12",
         [](Notice& n) {
             n.reason = idle;
             n.reason.limit = std::make_shared<const policy::Location>(
                 policy::Location{.file = "/etc/sesslimit/policy.toml", .line = 12});
         }},
        {"SESSLIMIT_DURATION", "(none)", [](Notice& n) { n.session.longest_idle = core::WholeSeconds(1); }},
        {"SESSLIMIT_DURATION", "3599", [](Notice& n) { n.duration = 1h - 1ms; }},
        {"SESSLIMIT_DURATION", "0", [](Notice& n) { n.duration = 1ms; }},
        {"SESSLIMIT_LONGEST_IDLE", "(none)", [](Notice& n) { n.session.longest_idle = core::WholeSeconds(1); }},
        {"SESSLIMIT_LONGEST_IDLE", "(none)", [](Notice& n) { n.duration = 1h; }},
        {"SESSLIMIT_LONGEST_IDLE", "900",
         [](Notice& n) {
             n.duration = 1h;
             n.session.longest_idle = core::WholeSeconds(900);
         }},
    };
    for (const Case& one : cases) {
        Notice notice = notice_of(Kind::released);
        one.change(notice);
        EXPECT_TEXT(field(messages::journal_entry(notice), one.name), one.value);
    }
}

SESSLIMIT_TEST(number_of_groups_in_journal_entry_bounded) {
    Notice notice = notice_of(Kind::admitted);
    notice.session.login.gids.clear();
    for (gid_t gid = 1; gid <= 65'536; ++gid) {
        notice.session.login.gids.push_back(gid);
    }
    const std::string groups = field(messages::journal_entry(notice), "SESSLIMIT_GID");
    EXPECT(std::ranges::count(groups, ' ') == 63 && groups.ends_with(" 64"), groups);
}

} // namespace
