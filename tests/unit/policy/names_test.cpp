// SPDX-License-Identifier: MIT
#include "daemon/policy/load.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <nss.h>
#include <sys/resource.h>

namespace {

using namespace sesslimit;
using policy::SystemNames;

constexpr char nobody[] = "sesslimit-has-no-such-user";

SESSLIMIT_TEST(existing_account_found) {
    const auto root = SystemNames::account("root");
    EXPECT(root && *root && (*root)->uid == 0 && (*root)->gid == 0, "root");
    const auto none = SystemNames::account(nobody);
    EXPECT(none && !*none, "a valid reply: the user does not exist");
    const auto number = SystemNames::account("0");
    EXPECT(number && !*number, "a user ID is not a name");
    const auto name = SystemNames::name_of(0);
    EXPECT_TEXT(name.value().value_or("-"), "root");
    const auto unused = SystemNames::name_of(4'294'967'293);
    EXPECT(unused && !*unused, "an ID without a user");
}

/// Without descriptors the user database cannot be opened. That must not be reported as a missing user.
SESSLIMIT_TEST(database_failure_reported_as_error) {
    SystemNames names;
    EXPECT(names.user("root") && names.group("root"), "with descriptors they are found");
    rlimit before{};
    (void)getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    (void)setrlimit(RLIMIT_NOFILE, &none);
    const auto root = SystemNames::account("root");
    const auto uid = names.user("root");
    const auto gid = names.group("root");
    (void)setrlimit(RLIMIT_NOFILE, &before);
    EXPECT(!root && root.error().code == EMFILE, root ? "" : root.error().what);
    EXPECT(!uid && !gid, "the loader treats it as not found");
}

} // namespace

int main() {
    // Other sources of the host may produce a result: nss-systemd(8) knows root without a file.
    (void)__nss_configure_lookup("passwd", "files");
    (void)__nss_configure_lookup("group", "files");
    return sesslimit::test::run_all();
}
