// SPDX-License-Identifier: MIT
#include "daemon/inspect/stopping_session.hpp"
#include "tests/unit/support/cmocka.hpp"

namespace {

using namespace sesslimit;

// tests/lab/scap.py tests sessions that logind stops. libsystemd reads the files of logind at a fixed path.
SESSLIMIT_TEST(unknown_session_has_no_state) {
    for (const char* id : {"", "no-such-session", "../../../etc/passwd", "a b"}) {
        EXPECT(!inspect::logind_idle_of(id), id);
    }
}

} // namespace
