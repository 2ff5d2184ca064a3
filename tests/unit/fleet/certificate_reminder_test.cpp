// SPDX-License-Identifier: MIT
#include "fleet/fleetd/certificate_reminder.hpp"
#include "tests/unit/support/cmocka.hpp"

namespace sesslimit::fleet {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr BootTime loaded{hours(5)};
constexpr WallTime today{days(20'000)};

CertificateReminder reminder_with(Duration left, std::string* line = nullptr) {
    CertificateReminder reminder("/etc/host.pem");
    const auto notice = reminder.on_loaded(loaded, today, {.common_name = "web\n1", .expires = today + left});
    if (line != nullptr) {
        *line = (notice.is_warning ? "warning: " : "") + notice.text;
    }
    return reminder;
}

SESSLIMIT_TEST(a_loaded_certificate_is_described) {
    struct Case {
        Duration left;
        const char* line;
    };
    for (const auto& [left, line] : {
             Case{days(14), "The certificate is that of the etcd user web\\x0a1, and expires in 14d."},
             Case{days(14) - hours(1),
                  "warning: The certificate is that of the etcd user web\\x0a1, and expires in 13d 23h."},
             Case{Duration(1), "warning: The certificate is that of the etcd user web\\x0a1, and expires in 0s."},
             Case{Duration(0), "warning: The certificate of web\\x0a1 has expired. Replace /etc/host.pem."},
         }) {
        std::string found;
        (void)reminder_with(left, &found);
        EXPECT_TEXT(found, line);
    }
}

SESSLIMIT_TEST(the_end_is_announced_daily_in_the_last_two_weeks_and_afterwards) {
    CertificateReminder reminder = reminder_with(days(16));
    std::string announced;
    for (int day = 1; day <= 18; ++day) {
        EXPECT(reminder.deadline() == loaded + days(day), "one wake-up a day");
        EXPECT(!reminder.on_time(loaded + days(day) - hours(1), today + days(day)), "another timer has expired");
        const auto notice = reminder.on_time(reminder.deadline(), today + days(day));
        announced += !notice ? "-" : notice->text.find("has expired") != std::string::npos ? "x" : "w";
    }
    EXPECT_TEXT(announced, "--wwwwwwwwwwwwwxxx");
}

SESSLIMIT_TEST(a_new_certificate_replaces_the_earlier_one) {
    CertificateReminder reminder = reminder_with(days(3));
    (void)reminder.on_loaded(loaded + hours(12), today, {.common_name = "web1", .expires = today + days(90)});
    EXPECT(reminder.deadline() == loaded + hours(36), "a day later");
    EXPECT(!reminder.on_time(reminder.deadline(), today + days(1)), "not soon");
}

} // namespace
} // namespace sesslimit::fleet
