// SPDX-License-Identifier: MIT
#include "ctl/client/system_host.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

using namespace sesslimit;
using namespace sesslimit::ctl;
namespace fs = std::filesystem;

namespace {

constexpr Usec second = 1'000'000;
constexpr Usec start = 1'795'442'400 * second; // 2026-11-23 14:00:00 UTC
constexpr Usec boot = start - 3600 * second;
constexpr uid_t nobody = 65534;

struct Directory {
    fs::path path;
    Directory() {
        std::string name = (fs::temp_directory_path() / "sesslimit-host-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("no directory");
        }
        path = name;
        fs::permissions(path, fs::perms::others_read | fs::perms::others_exec, fs::perm_options::add);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
};

/// A journal entry as journald stores it for the module's messages, in systemd's export format.
struct Entry {
    Usec at = start;
    std::string message;
    std::string priority = "4";
    std::string facility = "10";
    std::string uid = "0";
    std::string transport = "syslog";
    std::string unit = "ssh.service";
};

std::string uncounted(const std::string& user) {
    return "pam_sesslimit(sshd:session): " + user + " admitted uncounted: cannot connect to the daemon";
}

/// Creates a journal with the entries, using the tool that receives those of other hosts.
void write_journal(const fs::path& directory, const std::vector<Entry>& entries) {
    const std::string command =
        std::string(JOURNAL_REMOTE " --output=") + (directory / "a.journal").string() + " - >/dev/null 2>&1";
    std::FILE* const pipe = popen(command.c_str(), "w");
    for (const Entry& entry : entries) {
        std::fprintf(pipe,
                     "__REALTIME_TIMESTAMP=%llu\n__MONOTONIC_TIMESTAMP=%llu\n"
                     "_BOOT_ID=0123456789abcdef0123456789abcdef\n_TRANSPORT=%s\nPRIORITY=%s\nSYSLOG_FACILITY=%s\n"
                     "_UID=%s\n_SYSTEMD_UNIT=%s\nMESSAGE=%s\n\n",
                     static_cast<unsigned long long>(entry.at), static_cast<unsigned long long>(entry.at - boot),
                     entry.transport.c_str(), entry.priority.c_str(), entry.facility.c_str(), entry.uid.c_str(),
                     entry.unit.c_str(), entry.message.c_str());
    }
    if (pclose(pipe) != 0) {
        throw std::runtime_error("failed to create a journal with: " + command);
    }
}

/// Formats the count for the journal in a directory as "2 complete last 60 bob". Times are in seconds since `start`.
std::string counted(const fs::path& directory, Usec since = start, unsigned max_entries = 100) {
    SystemHost host({.journal = directory.string(), .max_entries = max_entries});
    const UncountedLogins found = host.uncounted_logins(since);
    switch (found.source) {
    case UncountedLogins::Source::denied:
        return "denied";
    case UncountedLogins::Source::none:
        return "none";
    case UncountedLogins::Source::journal:
        break;
    }
    return std::to_string(found.count) + (found.complete ? " complete" : " cut") +
           (found.last ? " last " + std::to_string((found.last->at - start) / second) + " " + found.last->user : "");
}

SESSLIMIT_TEST(selinux_mode_read_from_kernel) {
    const Directory directory;
    const fs::path file = directory.path / "enforce";
    const auto mode = [&] { return SystemHost({.enforce = file, .journal = {}}).selinux(); };
    EXPECT(mode() == Selinux::off, "no selinuxfs");
    std::ofstream(file) << "0";
    EXPECT(mode() == Selinux::permissive, "0");
    std::ofstream(file) << "1";
    EXPECT(mode() == Selinux::enforcing, "1");
    fs::permissions(file, fs::perms::none);
    (void)!seteuid(nobody);
    const Selinux unread = mode();
    (void)!seteuid(0);
    EXPECT(unread == Selinux::enforcing, "denied");
}

SESSLIMIT_TEST(module_entries_counted_from_newest) {
    const Directory directory;
    write_journal(
        directory.path,
        {{.at = start - second, .message = uncounted("early")},
         {.at = start, .message = uncounted("alice")},
         {.at = start + 10 * second, .message = "pam_unix(sshd:session): a warning"},
         {.at = start + 20 * second, .message = uncounted("forged"), .uid = "1000"},
         {.at = start + 30 * second, .message = uncounted("spoken"), .transport = "stdout"},
         {.at = start + 40 * second, .message = uncounted("daemon"), .facility = "3"},
         {.at = start + 50 * second, .message = uncounted("bob")},
         {.at = start + 60 * second, .message = "pam_sesslimit(sshd:session): carol denied: x", .priority = "3"}});
    EXPECT_TEXT(counted(directory.path), "2 complete last 50 bob");
    EXPECT_TEXT(counted(directory.path, start + second), "1 complete last 50 bob");
    EXPECT_TEXT(counted(directory.path, start + 55 * second), "0 complete");
    EXPECT_TEXT(counted(directory.path, 0), "3 complete last 50 bob");
}

SESSLIMIT_TEST(idle_stop_found_only_in_messages_of_logind) {
    const auto idle = [](const std::string& session) {
        return "Session \"" + session + "\" of user \"alice\" is idle, stopping.";
    };
    const Directory directory;
    const std::string logind = "systemd-logind.service";
    write_journal(directory.path, {{.at = start, .message = idle("1"), .unit = logind},
                                   {.at = start + second, .message = idle("2"), .uid = "1000", .unit = logind},
                                   {.at = start + second, .message = idle("3")},
                                   {.at = start + second, .message = "Removed session 4.", .unit = logind}});
    SystemHost host({.journal = directory.path.string(), .max_entries = 100});
    EXPECT(host.logind_stopped_idle("1", start), "logind");
    EXPECT(!host.logind_stopped_idle("1", start + second), "earlier");
    EXPECT(!host.logind_stopped_idle("2", start) && !host.logind_stopped_idle("3", start), "forged");
    EXPECT(!host.logind_stopped_idle("4", start) && !host.logind_stopped_idle("11", start), "other");
}

SESSLIMIT_TEST(number_of_read_entries_bounded) {
    const Directory directory;
    std::vector<Entry> entries;
    for (Usec at = 0; at < 10; ++at) {
        entries.push_back({.at = start + at * second, .message = uncounted("alice")});
    }
    write_journal(directory.path, entries);
    EXPECT_TEXT(counted(directory.path, start, 4), "4 cut last 9 alice");
    EXPECT_TEXT(counted(directory.path, start, 10), "10 complete last 9 alice");
}

SESSLIMIT_TEST(unreadable_journal_distinguished_from_empty) {
    const Directory directory;
    EXPECT_TEXT(counted(directory.path), "none");
    write_journal(directory.path, {{.message = uncounted("alice")}});
    const fs::path file = directory.path / "a.journal";
    fs::permissions(file, fs::perms::owner_read);
    (void)!seteuid(nobody);
    const std::string denied = counted(directory.path);
    (void)!seteuid(0);
    EXPECT_TEXT(denied, "denied");
    EXPECT_TEXT(counted(directory.path), "1 complete last 0 alice");
}

SESSLIMIT_TEST(caller_has_name_and_uid) {
    const Caller caller = SystemHost().caller();
    EXPECT(!caller.name.empty() && (geteuid() != 0 || caller.uid != 0 || caller.name == "root"), caller.name);
}

} // namespace

int main() {
    return sesslimit::test::run_all_as_root("only root may become another user");
}
