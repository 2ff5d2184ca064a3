// SPDX-License-Identifier: MIT
#include "daemon/watch/wall_clock.hpp"
#include "tests/unit/cmocka.hpp"

namespace {

using namespace sesslimit;

/// Nobody may set this host's clock for a test: that it says nothing as long as nobody does can be seen.
void it_rests_while_nobody_sets_it() {
    sd_event* raw = nullptr;
    const int made = sd_event_new(&raw);
    const EventLoop loop(raw);
    int told = 0;
    auto clock = watch::WallClock::make(loop.get(), [&told] { ++told; });
    const int ran = sd_event_run(loop.get(), 0);
    auto moved = std::move(clock);
    const int ran_again = sd_event_run(loop.get(), 0);
    EXPECT(made >= 0 && moved.has_value(), "made");
    EXPECT(ran == 0 && ran_again == 0 && told == 0, "nothing happens");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(it_rests_while_nobody_sets_it),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
