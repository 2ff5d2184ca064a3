// SPDX-License-Identifier: MIT
// What signs mean: one look held against the one before.
#include "daemon/core/activity.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/core_world.hpp"

#include <string>
#include <string_view>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using policy::Activity;
using core::Seen;
using core::Session;
using core::Signs;
using core::Traffic;

constexpr Span offset = 1'700'000'000s;

/// The wall clock of a moment, as a terminal's stamp: whole seconds at the beginning of a step.
Span stamp(Span since_start) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(start.time_since_epoch() + since_start + offset);
    return Span(seconds / 8s * 8s);
}

Traffic traffic(std::uint64_t in, std::uint64_t segments_in, std::uint64_t out, std::uint64_t segments_out) {
    return {.bytes_in = in, .bytes_out = out, .segments_in = segments_in, .segments_out = segments_out, .cookie = 7};
}

/// A session that was opened at the start and looked at 100 s later, last used at 50 s.
Session looked_at() {
    Session session = session_in(core::Phase::live);
    session.opened = start;
    session.last_input = start + 50s;
    session.seen.at = start + 100s;
    session.seen.input = stamp(40s);
    session.seen.output = stamp(40s);
    session.seen.wall_offset = offset;
    session.seen.processor_time = 5s;
    session.seen.traffic = traffic(10'000, 100, 20'000, 200);
    return session;
}

/// The same signs again.
Signs same(bool terminal) {
    const Session session = looked_at();
    Signs signs;
    signs.wall_offset = offset;
    if (terminal) {
        signs.input = session.seen.input;
        signs.output = session.seen.output;
    }
    signs.processor_time = session.seen.processor_time;
    signs.traffic = session.seen.traffic;
    signs.since_data = 90s;
    return signs;
}

/// Seconds from the start of the last use, at 200 s.
std::string use(const Session& session, const Signs& signs, Activity counted) {
    const auto at = core::last_use(session, signs, counted, start + 200s) - start;
    return std::to_string(std::chrono::floor<std::chrono::seconds>(at).count());
}

void what_counts_on_a_terminal() {
    struct Case {
        std::string_view about;
        void (*change)(Signs&);
        std::string_view input, output, processor, both;
    };
    const Case cases[] = {
        {"nothing", [](Signs&) {}, "50", "50", "50", "50"},
        {"a key", [](Signs& s) { s.input = stamp(150s); }, "152", "152", "152", "152"},
        {"a line", [](Signs& s) { s.output = stamp(150s); }, "50", "152", "50", "152"},
        {"computing", [](Signs& s) { s.processor_time = 7s; }, "50", "50", "200", "200"},
        {"next to nothing", [](Signs& s) { s.processor_time = 6s; }, "50", "50", "50", "50"},
        {"data on its connection", [](Signs& s) { s.traffic = traffic(99'000, 101, 20'000, 200); }, "50", "50", "50",
         "50"},
        {"no processor time", [](Signs& s) { s.processor_time.reset(); }, "50", "50", "50", "50"},
        {"a clock that went back", [](Signs& s) { s.input = stamp(-500s); }, "200", "200", "200", "200"},
    };
    for (const Case& one : cases) {
        Signs signs = same(true);
        one.change(signs);
        const std::string about = std::string(one.about) + ": ";
        EXPECT_TEXT(about + use(looked_at(), signs, Activity::input), about + std::string(one.input));
        EXPECT_TEXT(about + use(looked_at(), signs, Activity::output), about + std::string(one.output));
        EXPECT_TEXT(about + use(looked_at(), signs, Activity::processor), about + std::string(one.processor));
        EXPECT_TEXT(about + use(looked_at(), signs, Activity::output_and_processor), about + std::string(one.both));
    }
}

/// A stamp stands for all keys of its 8 s: those that follow a look within them do not show.
void a_step_that_goes_on_hides_keys() {
    Session session = looked_at();
    session.seen.input = stamp(96s);
    Signs signs = same(true);
    signs.input = session.seen.input;
    EXPECT_TEXT(use(session, signs, Activity::input), "104");
    session.seen.at = start + 106s;
    EXPECT_TEXT(use(session, signs, Activity::input), "50");
    signs.wall_offset = offset - 80s; // the clock goes through that step again
    EXPECT_TEXT(use(session, signs, Activity::input), "184");
}

void our_own_notice_is_no_output() {
    Session session = looked_at();
    session.told_at = start + 150s;
    Signs signs = same(true);
    signs.output = stamp(150s);
    EXPECT_TEXT(use(session, signs, Activity::output), "50");
    signs.output = stamp(170s);
    EXPECT_TEXT(use(session, signs, Activity::output), "176");
}

void what_counts_without_a_terminal() {
    struct Case {
        std::string_view about;
        void (*change)(Signs&);
        std::string_view used;
    };
    const Case cases[] = {
        {"nothing", [](Signs&) {}, "50"},
        {"keepalives", [](Signs& s) { s.traffic = traffic(10'000 + 20 * 52, 120, 20'000 + 20 * 28, 220); }, "50"},
        {"large keepalives", [](Signs& s) { s.traffic = traffic(10'000 + 20 * 112, 120, 20'000, 220); }, "50"},
        {"one a second", [](Signs& s) { s.traffic = traffic(10'000 + 101 * 52, 201, 20'000, 301); }, "50"},
        {"ten a second", [](Signs& s) { s.traffic = traffic(10'000 + 1000 * 36, 1100, 20'000, 200); }, "110"},
        {"a file", [](Signs& s) { s.traffic = traffic(900'000, 700, 20'500, 220); }, "110"},
        {"keepalives of both sides",
         [](Signs& s) { s.traffic = traffic(10'000 + 12 * 52 + 8 * 28, 120, 20'000 + 8 * 52 + 12 * 28, 220); }, "50"},
        {"keepalives, one of them on its way",
         [](Signs& s) { s.traffic = traffic(11'040, 120, 20'000 + 19 * 28, 220); }, "50"},
        {"keepalives, one of them sent twice",
         [](Signs& s) { s.traffic = traffic(11'040, 121, 20'000 + 20 * 28, 221); }, "50"},
        {"a word among keepalives", [](Signs& s) { s.traffic = traffic(11'040 + 68, 121, 20'000 + 20 * 28, 220); },
         "110"},
        {"an answer among keepalives", [](Signs& s) { s.traffic = traffic(11'040, 120, 20'000 + 20 * 28 + 84, 221); },
         "110"},
        {"small words", [](Signs& s) { s.traffic = traffic(10'000 + 68 + 76 + 84 + 60 + 92 + 36, 106, 20'000, 200); },
         "110"},
        {"an answer", [](Signs& s) { s.traffic = traffic(10'068, 101, 20'600, 202); }, "110"},
        {"computing", [](Signs& s) { s.processor_time = 7s; }, "200"},
        {"next to nothing", [](Signs& s) { s.processor_time = 6s; }, "50"},
        {"another connection", [](Signs& s) { s.traffic->cookie = 8; }, "200"},
        {"no connection to be seen", [](Signs& s) { s.traffic.reset(); }, "200"},
    };
    for (const Case& one : cases) {
        Signs signs = same(false);
        one.change(signs);
        EXPECT_TEXT(std::string(one.about) + ": " + use(looked_at(), signs, Activity::input),
                    std::string(one.about) + ": " + std::string(one.used));
    }
}

void the_first_look_only_begins() {
    Session session = looked_at();
    session.seen = {};
    EXPECT_TEXT(use(session, same(false), Activity::input), "110"); // the youngest data, whatever it was
    EXPECT_TEXT(use(session, same(true), Activity::output_and_processor), "50");
}

void a_hint_says_how_long() {
    Signs signs = same(true);
    signs.hint = 30s;
    EXPECT_TEXT(use(looked_at(), signs, Activity::input), "170");
    signs.hint = Span{};
    EXPECT_TEXT(use(looked_at(), signs, Activity::input), "200");
    signs.hint = 1h; // never earlier than what is known
    EXPECT_TEXT(use(looked_at(), signs, Activity::input), "50");
}

void what_is_remembered() {
    const Session session = looked_at();
    Signs signs = same(true);
    signs.input = stamp(199s);
    signs.traffic = traffic(11'000, 110, 20'000, 200);
    signs.processor_time = 6s;
    const Seen soon = core::remembered(session, signs, session.seen.at + 999ms);
    EXPECT(soon.at == session.seen.at && soon.traffic == session.seen.traffic && soon.processor_time == 5s,
           "counters are held against the earlier look");
    EXPECT(soon.input == stamp(199s), "stamps are not");
    const Seen later = core::remembered(session, signs, start + 200s);
    EXPECT(later.at == start + 200s && later.traffic == *signs.traffic && later.processor_time == 6s, "all anew");
    EXPECT(later.output == session.seen.output, "output");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(a_step_that_goes_on_hides_keys),
        SESSLIMIT_TEST(what_counts_on_a_terminal),
        SESSLIMIT_TEST(our_own_notice_is_no_output),
        SESSLIMIT_TEST(what_counts_without_a_terminal),
        SESSLIMIT_TEST(the_first_look_only_begins),
        SESSLIMIT_TEST(a_hint_says_how_long),
        SESSLIMIT_TEST(what_is_remembered),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
