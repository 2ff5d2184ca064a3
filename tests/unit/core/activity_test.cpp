// SPDX-License-Identifier: MIT
// Evaluation of an activity sample against the previous one.
#include "daemon/core/activity.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <string>
#include <string_view>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using core::ActivitySample;
using core::LastSample;
using core::Session;
using core::Traffic;
using policy::Activity;

constexpr Duration offset = 1'700'000'000s;

/// Returns the wall clock at this time as a terminal timestamp: whole seconds at the start of an 8 s step.
Duration stamp(Duration since_start) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(start.time_since_epoch() + since_start + offset);
    return Duration(seconds / 8s * 8s);
}

Traffic traffic(std::uint64_t in, std::uint64_t segments_in, std::uint64_t out, std::uint64_t segments_out) {
    return {.bytes_in = in, .bytes_out = out, .segments_in = segments_in, .segments_out = segments_out, .cookie = 7};
}

/// Returns a session opened at `start`, probed 100 s later, with the last activity at 50 s.
Session looked_at() {
    Session session = session_in(core::Phase::active);
    session.opened = start;
    session.last_input = start + 50s;
    session.last_sample.at = start + 100s;
    session.last_sample.input = stamp(40s);
    session.last_sample.output = stamp(40s);
    session.last_sample.wall_offset = offset;
    session.last_sample.processor_time = 5s;
    session.last_sample.traffic = traffic(10'000, 100, 20'000, 200);
    return session;
}

/// Returns a sample with the same values as in looked_at().
ActivitySample same(bool terminal) {
    const Session session = looked_at();
    ActivitySample sample;
    sample.wall_offset = offset;
    if (terminal) {
        sample.input = session.last_sample.input;
        sample.output = session.last_sample.output;
    }
    sample.processor_time = session.last_sample.processor_time;
    sample.traffic = session.last_sample.traffic;
    sample.since_data = 90s;
    return sample;
}

/// Returns the time of the last activity in seconds since `start`, evaluated at 200 s.
std::string use(const Session& session, const ActivitySample& sample, Activity counted) {
    const auto at = core::last_use(session, sample, counted, start + 200s) - start;
    return std::to_string(std::chrono::floor<std::chrono::seconds>(at).count());
}

SESSLIMIT_TEST(terminal_activity_follows_idle_activity) {
    struct Case {
        std::string_view about;
        void (*change)(ActivitySample&);
        std::string_view input, output, processor, both;
    };
    const Case cases[] = {
        {"nothing", [](ActivitySample&) {}, "50", "50", "50", "50"},
        {"a key", [](ActivitySample& s) { s.input = stamp(150s); }, "152", "152", "152", "152"},
        {"a line", [](ActivitySample& s) { s.output = stamp(150s); }, "50", "152", "50", "152"},
        {"computing", [](ActivitySample& s) { s.processor_time = 7s; }, "50", "50", "200", "200"},
        {"too little computing", [](ActivitySample& s) { s.processor_time = 6s; }, "50", "50", "50", "50"},
        {"data on its connection", [](ActivitySample& s) { s.traffic = traffic(99'000, 101, 20'000, 200); }, "50", "50",
         "50", "50"},
        {"processor time unknown", [](ActivitySample& s) { s.processor_time.reset(); }, "50", "50", "50", "50"},
        {"wall clock set back", [](ActivitySample& s) { s.input = stamp(-500s); }, "200", "200", "200", "200"},
    };
    for (const Case& one : cases) {
        ActivitySample sample = same(true);
        one.change(sample);
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + use(looked_at(), sample, Activity::input), about + std::string(one.input));
        EXPECT_TEXT(about + use(looked_at(), sample, Activity::output), about + std::string(one.output));
        EXPECT_TEXT(about + use(looked_at(), sample, Activity::processor), about + std::string(one.processor));
        EXPECT_TEXT(about + use(looked_at(), sample, Activity::output_and_processor), about + std::string(one.both));
    }
}

/// A timestamp covers all keys of its 8 s step, so keys pressed in the step after a probe are not visible.
SESSLIMIT_TEST(timestamp_step_in_progress_hides_keys) {
    Session session = looked_at();
    session.last_sample.input = stamp(96s);
    ActivitySample sample = same(true);
    sample.input = session.last_sample.input;
    EXPECT_TEXT(use(session, sample, Activity::input), "104");
    session.last_sample.at = start + 106s;
    EXPECT_TEXT(use(session, sample, Activity::input), "50");
    sample.wall_offset = offset - 80s; // the clock passes through that step again
    EXPECT_TEXT(use(session, sample, Activity::input), "184");
}

SESSLIMIT_TEST(output_of_own_notice_not_counted) {
    Session session = looked_at();
    session.last_notice_at = start + 150s;
    ActivitySample sample = same(true);
    sample.output = stamp(150s);
    EXPECT_TEXT(use(session, sample, Activity::output), "50");
    sample.output = stamp(170s);
    EXPECT_TEXT(use(session, sample, Activity::output), "176");
}

SESSLIMIT_TEST(connection_activity_counts_without_terminal) {
    struct Case {
        std::string_view about;
        void (*change)(ActivitySample&);
        std::string_view used;
    };
    const Case cases[] = {
        {"nothing", [](ActivitySample&) {}, "50"},
        {"keepalives", [](ActivitySample& s) { s.traffic = traffic(10'000 + 20 * 52, 120, 20'000 + 20 * 28, 220); },
         "50"},
        {"large keepalives", [](ActivitySample& s) { s.traffic = traffic(10'000 + 20 * 112, 120, 20'000, 220); }, "50"},
        {"one a second", [](ActivitySample& s) { s.traffic = traffic(10'000 + 101 * 52, 201, 20'000, 301); }, "50"},
        {"ten a second", [](ActivitySample& s) { s.traffic = traffic(10'000 + 1000 * 36, 1100, 20'000, 200); }, "110"},
        {"file transfer", [](ActivitySample& s) { s.traffic = traffic(900'000, 700, 20'500, 220); }, "110"},
        {"keepalives of both sides",
         [](ActivitySample& s) { s.traffic = traffic(10'000 + 12 * 52 + 8 * 28, 120, 20'000 + 8 * 52 + 12 * 28, 220); },
         "50"},
        {"keepalives, one of them in flight",
         [](ActivitySample& s) { s.traffic = traffic(11'040, 120, 20'000 + 19 * 28, 220); }, "50"},
        {"keepalives, one of them retransmitted",
         [](ActivitySample& s) { s.traffic = traffic(11'040, 121, 20'000 + 20 * 28, 221); }, "50"},
        {"small message among keepalives",
         [](ActivitySample& s) { s.traffic = traffic(11'040 + 68, 121, 20'000 + 20 * 28, 220); }, "110"},
        {"reply among keepalives",
         [](ActivitySample& s) { s.traffic = traffic(11'040, 120, 20'000 + 20 * 28 + 84, 221); }, "110"},
        {"small messages",
         [](ActivitySample& s) { s.traffic = traffic(10'000 + 68 + 76 + 84 + 60 + 92 + 36, 106, 20'000, 200); }, "110"},
        {"reply", [](ActivitySample& s) { s.traffic = traffic(10'068, 101, 20'600, 202); }, "110"},
        {"computing", [](ActivitySample& s) { s.processor_time = 7s; }, "200"},
        {"too little computing", [](ActivitySample& s) { s.processor_time = 6s; }, "50"},
        {"another connection", [](ActivitySample& s) { s.traffic->cookie = 8; }, "200"},
        {"connection unknown", [](ActivitySample& s) { s.traffic.reset(); }, "200"},
    };
    for (const Case& one : cases) {
        ActivitySample sample = same(false);
        one.change(sample);
        EXPECT_TEXT(std::string(one.about) + ": " + use(looked_at(), sample, Activity::input),
                    std::string(one.about) + ": " + std::string(one.used));
    }
}

SESSLIMIT_TEST(first_probe_sets_baseline) {
    Session session = looked_at();
    session.last_sample = {};
    EXPECT_TEXT(use(session, same(false), Activity::input), "110"); // the most recent data of any kind
    EXPECT_TEXT(use(session, same(true), Activity::output_and_processor), "50");
}

SESSLIMIT_TEST(idle_hint_gives_time_of_last_use) {
    ActivitySample sample = same(true);
    sample.hint = 30s;
    EXPECT_TEXT(use(looked_at(), sample, Activity::input), "170");
    sample.hint = Duration{};
    EXPECT_TEXT(use(looked_at(), sample, Activity::input), "200");
    sample.hint = 1h; // never earlier than the known activity
    EXPECT_TEXT(use(looked_at(), sample, Activity::input), "50");
}

SESSLIMIT_TEST(remembered_counters_restart_after_one_second) {
    const Session session = looked_at();
    ActivitySample sample = same(true);
    sample.input = stamp(199s);
    sample.traffic = traffic(11'000, 110, 20'000, 200);
    sample.processor_time = 6s;
    const LastSample soon = core::to_last_sample(session, sample, session.last_sample.at + 999ms);
    EXPECT(soon.at == session.last_sample.at && soon.traffic == session.last_sample.traffic &&
               soon.processor_time == 5s,
           "counters keep the earlier baseline");
    EXPECT(soon.input == stamp(199s), "timestamps are updated");
    const LastSample later = core::to_last_sample(session, sample, start + 200s);
    EXPECT(later.at == start + 200s && later.traffic == *sample.traffic && later.processor_time == 6s,
           "everything is updated");
    EXPECT(later.output == session.last_sample.output, "output");
}

} // namespace
