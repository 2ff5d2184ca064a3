// SPDX-License-Identifier: MIT
#include "common/login_uid.hpp"
#include "common/process.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <unistd.h>

namespace {

using namespace sesslimit;

SESSLIMIT_TEST(unset_and_malformed_login_uids_unknown) {
    EXPECT(parse_login_uid("1001") == 1001U && parse_login_uid("0\n") == 0U, "a number");
    EXPECT(parse_login_uid("4294967294") == 4294967294U, "the largest user ID");
    for (const char* text : {"4294967295", "4294967296", "-1", "", "\n", "10 01", "x"}) {
        EXPECT(!parse_login_uid(text), text);
    }
}

SESSLIMIT_TEST(login_uid_only_of_living_process_of_its_owner) {
    const auto pidfd = open_pidfd(getpid());
    EXPECT(pidfd.has_value(), "pidfd of this process");
    const auto uid = login_uid_of(pidfd->get(), getpid(), std::nullopt);
    EXPECT(login_uid_of(pidfd->get(), getpid(), geteuid()) == uid, "same owner");
    EXPECT(!login_uid_of(pidfd->get(), getpid(), geteuid() + 1), "another owner");
    EXPECT(!login_uid_of(pidfd->get(), -1, std::nullopt), "no process");
}

} // namespace
