// SPDX-License-Identifier: MIT
// Collection of login facts with inputs that the built module cannot be given: another /proc, another user database.
#include <fstream> // before cmocka.h, because that header's macro fail() breaks it

#include "pam/facts.hpp"
#include "tests/module/login.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace {

/// A fake user database that replaces libc's functions. See getpwnam_r below: it returns this user for any name.
struct FakeUsers {
    int error = 0;         ///< error of every lookup
    std::size_t needs = 0; ///< required buffer size in bytes; ERANGE for less
    std::string spelled;   ///< name in the entry; empty: the user is not found
    uid_t uid = 4711;
    int groups = 1; ///< number of the user's groups
    bool groups_fail = false;
    int look_ups = 0;
} users;

} // namespace

extern "C" [[gnu::visibility("default")]] int getpwnam_r(const char*, passwd* entry, char* buffer, size_t size,
                                                         passwd** found) {
    *found = nullptr;
    ++users.look_ups;
    if (users.error != 0) {
        return users.error;
    }
    if (size < users.needs || size <= users.spelled.size()) {
        return ERANGE;
    }
    if (!users.spelled.empty()) {
        std::memcpy(buffer, users.spelled.c_str(), users.spelled.size() + 1);
        entry->pw_name = buffer;
        entry->pw_uid = users.uid;
        entry->pw_gid = 4712;
        *found = entry;
    }
    return 0;
}

extern "C" [[gnu::visibility("default")]] int getgrouplist(const char*, gid_t group, gid_t* groups, int* count) {
    if (users.groups_fail) {
        return -1;
    }
    for (int index = 0; index < std::min(*count, users.groups); ++index) {
        groups[index] = group + static_cast<gid_t>(index);
    }
    const bool fits = users.groups <= *count;
    *count = users.groups;
    return fits ? users.groups : -1;
}

namespace sesslimit::pam {
namespace {

using test::Login;
using test::TempDir;

/// Collects the facts of a login as "Alice".
std::expected<LoginInfo, Failure> facts_with(FakeUsers now, const char* cgroup_file = "/dev/null") {
    users = std::move(now);
    const Login login("/nowhere", "", "Alice");
    LoginInfo facts;
    const auto collected = collect_login_info(login.handle(), cgroup_file, facts);
    if (!collected) {
        return std::unexpected(collected.error());
    }
    return facts;
}

/// Returns true if collecting the facts fails, but the user is still recognized as root.
bool failing_as_root(FakeUsers now, const char* name, const std::string& service = "sshd") {
    users = std::move(now);
    const Login login("/nowhere", "", name, service);
    LoginInfo facts;
    const bool failed = !collect_login_info(login.handle(), "/dev/null", facts);
    return failed && facts.root;
}

SESSLIMIT_TEST(user_name_spelled_as_in_database) {
    const auto got = facts_with({.spelled = "alice"});
    EXPECT(got.has_value(), "found");
    EXPECT_TEXT(got->request.user, "alice");
    EXPECT(got->request.uid == 4711, "uid");
    EXPECT(got->request.gids.size() == 1 && got->request.gids[0] == 4712, "gids");
    EXPECT(!got->request.nested, "nested");
}

SESSLIMIT_TEST(large_entry_read_with_larger_buffer) {
    const auto got = facts_with({.needs = 100'000, .spelled = "alice"});
    EXPECT(got.has_value() && users.look_ups > 1, "found with a larger buffer");
    const auto endless = facts_with({.needs = std::size_t{1} << 30, .spelled = "alice"});
    EXPECT(!endless && endless.error().ending == RequestOutcome::lookup_failed && endless.error().error == ERANGE,
           "bounded");
}

SESSLIMIT_TEST(failed_lookups_reported) {
    const auto broken = facts_with({.error = EIO, .spelled = {}});
    const auto nobody = facts_with({.spelled = {}});
    const auto missing = facts_with({.error = ENOENT, .spelled = {}});
    const auto interrupted = facts_with({.error = EINTR, .spelled = {}});
    const auto long_name = facts_with({.spelled = std::string(wire::max_user + 1, 'a')});
    const auto no_groups = facts_with({.spelled = "alice", .groups_fail = true});
    EXPECT(!broken && broken.error().ending == RequestOutcome::lookup_failed && broken.error().error == EIO, "EIO");
    EXPECT(!nobody && nobody.error().ending == RequestOutcome::unknown_user, "not found");
    EXPECT(!missing && missing.error().ending == RequestOutcome::unknown_user, "ENOENT");
    EXPECT(!interrupted && interrupted.error().ending == RequestOutcome::lookup_failed, "endless EINTR");
    EXPECT(!long_name && long_name.error().ending == RequestOutcome::user_too_long, "name");
    EXPECT(!no_groups && no_groups.error().ending == RequestOutcome::lookup_failed, "groups");
}

SESSLIMIT_TEST(root_recognized_when_lookups_fail) {
    const std::string long_service(wire::max_service + 1, 's');
    EXPECT(failing_as_root({.spelled = "toor", .uid = 0, .groups_fail = true}, "toor"), "groups");
    EXPECT(failing_as_root({.spelled = "root", .uid = 0}, "root", long_service), "service");
    EXPECT(failing_as_root({.error = EIO, .spelled = {}}, "root"), "no user database");
    EXPECT(!failing_as_root({.spelled = {}}, "root"), "a database without root");
    EXPECT(!failing_as_root({.error = EIO, .spelled = {}}, "alice"), "another user");
    EXPECT(!failing_as_root({.spelled = "root", .uid = 5, .groups_fail = true}, "root"), "root by name only");
}

SESSLIMIT_TEST(groups_beyond_limit_cut) {
    const int most = static_cast<int>(wire::max_gids);
    const auto fits = facts_with({.spelled = "alice", .groups = most});
    const auto cut = facts_with({.spelled = "alice", .groups = most + 1});
    EXPECT(fits && fits->request.gids.size() == wire::max_gids && !fits->request.gids_cut, "fits");
    EXPECT(cut && cut->request.gids.size() == wire::max_gids && cut->request.gids_cut, "cut");
    EXPECT(cut->request.gids[0] == 4712, "the primary group is included");
}

SESSLIMIT_TEST(nested_derived_from_cgroup) {
    const TempDir dir;
    const auto nested = [&](const std::string& text) {
        std::ofstream(dir.file("cgroup")) << text;
        const auto got = facts_with({.spelled = "alice"}, dir.file("cgroup").c_str());
        return got && got->request.nested;
    };
    EXPECT(nested("0::/user.slice/user-1000.slice/session-c3.scope\n"), "session");
    EXPECT(nested(std::string(8000, 'x') + "\n0::/user.slice/user-1000.slice/session-c3.scope\n"), "late in the file");
    EXPECT(!nested("0::/user.slice/user-1000.slice/user@1000.service\n"), "user manager");
    EXPECT(!nested(std::string(100'000, 'x')), "endless");
    const auto gone = facts_with({.spelled = "alice"}, dir.file("no-such-file").c_str());
    EXPECT(gone && !gone->request.nested, "no file");
}

} // namespace
} // namespace sesslimit::pam
