// SPDX-License-Identifier: MIT
#include "daemon/inspect/stopping_session.hpp"
#include "tests/unit/support/cmocka.hpp"

namespace {

using namespace sesslimit;

// tests/lab/scap.py tests sessions that logind stops. libsystemd reads the files of logind at a fixed path.
SESSLIMIT_TEST(unknown_session_is_not_stopping) {
    for (const char* id : {"", "no-such-session", "../../../etc/passwd", "a b"}) {
        EXPECT(!inspect::idle_if_stopping(id), id);
    }
}

} // namespace
