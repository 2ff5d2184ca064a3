// SPDX-License-Identifier: MIT
// The main function of test programs that do not define their own.
#include "tests/unit/support/cmocka.hpp"

#include <cstdlib>
#include <ctime>

int main() {
    setenv("TZ", "UTC", 1);
    tzset();
    return sesslimit::test::run_all();
}
