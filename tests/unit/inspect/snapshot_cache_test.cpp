// SPDX-License-Identifier: MIT
// A displayed sample is at most two seconds old, and never older than the session's terminal.
#include "daemon/inspect/terminal_snapshot.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using std::chrono::milliseconds;

struct Looks {
    int made = 0;
    inspect::SnapshotCache<int> cache{[this](const core::Session&) { return ++made; }};
    core::Session session = session_in(core::Phase::active);

    int after(Duration since_opened) { return cache.of(session, session.opened + since_opened); }
};

SESSLIMIT_TEST(young_session_probed_each_time) {
    Looks looks;
    assert_int_equal(looks.after(milliseconds(100)), 1);
    assert_int_equal(looks.after(milliseconds(100)), 2);
    assert_int_equal(looks.after(milliseconds(1999)), 3);
    assert_int_equal(looks.after(milliseconds(2000)), 4);
    assert_int_equal(looks.after(milliseconds(2001)), 4);
}

SESSLIMIT_TEST(sample_cached_for_two_seconds) {
    Looks looks;
    assert_int_equal(looks.after(milliseconds(10'000)), 1);
    assert_int_equal(looks.after(milliseconds(11'999)), 1);
    assert_int_equal(looks.after(milliseconds(12'000)), 2);
    assert_int_equal(looks.after(milliseconds(13'000)), 2);
}

SESSLIMIT_TEST(forgotten_session_probed_again) {
    Looks looks;
    assert_int_equal(looks.after(milliseconds(10'000)), 1);
    looks.cache.forget(looks.session.key);
    assert_int_equal(looks.after(milliseconds(10'001)), 2);
}

} // namespace
