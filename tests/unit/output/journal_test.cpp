// SPDX-License-Identifier: MIT
#include "common/clock.hpp"
#include "daemon/output/journal.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace {

using namespace sesslimit;
using output::Journal;

/// A journald that reads when it is told to.
struct Reader {
    test::TemporaryDirectory directory;
    UniqueFd socket;
    EventLoop loop = test::make_loop();

    Reader() { listen(); }

    [[nodiscard]] std::string path() const { return directory.path / "socket"; }

    void listen() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path(), address.sun_path);
        unlink(address.sun_path);
        socket.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        (void)bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }

    /// What has come, an entry each.
    [[nodiscard]] std::vector<std::string> read_all() const {
        std::vector<std::string> entries;
        std::array<char, 65536> buffer{};
        ssize_t size = 0;
        while ((size = recv(socket.get(), buffer.data(), buffer.size(), 0)) > 0) {
            entries.emplace_back(buffer.data(), static_cast<std::size_t>(size));
        }
        return entries;
    }

    /// Reads and lets the loop run, until neither has anything to do.
    [[nodiscard]] std::vector<std::string> settle() const {
        std::vector<std::string> all;
        for (;;) {
            const auto some = read_all();
            all.insert(all.end(), some.begin(), some.end());
            if (sd_event_run(loop.get(), 0) <= 0 && some.empty()) {
                return all;
            }
        }
    }
};

std::string plain(const std::string& message) {
    return output::native_entry({{"MESSAGE", message}, {"PRIORITY", "6"}});
}

void entries_are_as_journald_reads_them() {
    struct Case {
        messages::JournalEntry entry;
        std::string datagram;
    };
    using namespace std::string_literals;
    const Case cases[] = {
        {{}, ""},
        {{{"MESSAGE", "a=b"}, {"PRIORITY", "6"}}, "MESSAGE=a=b\nPRIORITY=6\n"},
        {{{"MESSAGE", ""}}, "MESSAGE=\n"},
        {{{"MESSAGE", "one\ntwo"}}, "MESSAGE\n\7\0\0\0\0\0\0\0one\ntwo\n"s},
        {{{"MESSAGE", std::string(258, '\n')}}, "MESSAGE\n\2\1\0\0\0\0\0\0"s + std::string(258, '\n') + "\n"},
    };
    for (const Case& each : cases) {
        const std::string datagram = output::native_entry(each.entry);
        EXPECT(datagram == "SYSLOG_IDENTIFIER=sesslimitd\n" + each.datagram, each.datagram.c_str());
    }
}

void what_is_not_taken_comes_later_in_its_order() {
    const Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    std::vector<std::string> told;
    for (int number = 0; number < 900; ++number) { // more than the kernel keeps, and fewer than we do
        told.push_back(plain(std::to_string(number)));
        journal.tell(output::Priority::info, std::to_string(number));
    }
    const auto at_once = reader.read_all();
    const auto later = reader.settle();
    auto all = at_once;
    all.insert(all.end(), later.begin(), later.end());
    EXPECT(!at_once.empty() && !later.empty(), "some at once, some later");
    EXPECT(all == told, "all of them, in their order");
    EXPECT(sd_event_run(reader.loop.get(), 0) == 0, "then nothing is waited for");
}

void what_is_too_much_is_counted() {
    const Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    constexpr std::size_t many = 3 * Journal::max_queued;
    for (std::size_t number = 0; number < many; ++number) {
        journal.tell(output::Priority::info, std::to_string(number));
    }
    const auto all = reader.settle();
    const std::size_t lost = many + 1 - all.size();
    EXPECT(all.size() > Journal::max_queued && lost > 0, "as many as are kept, and no more");
    const std::string last = std::to_string(lost) + " journal entries lost because the journal did not accept them.";
    EXPECT(!all.empty() && all.back().find(last) != std::string::npos, last.c_str());
}

void another_journald_is_found() {
    Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    journal.tell(output::Priority::info, "to the first");
    const auto first = reader.read_all();
    reader.listen();
    journal.tell(output::Priority::info, "to the second");
    const auto second = reader.read_all();
    EXPECT(first == std::vector{plain("to the first")}, "the first");
    EXPECT(second == std::vector{plain("to the second")}, "the second");
}

void one_that_dies_with_entries_waiting_stops_nothing() {
    Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    for (int number = 0; number < 900; ++number) {
        journal.tell(output::Priority::info, std::to_string(number));
    }
    reader.listen(); // what the first had not read is gone with it
    const auto all = reader.settle();
    journal.tell(output::Priority::info, "and on");
    const auto next = reader.read_all();
    EXPECT(!all.empty() && all.back() == plain("899"), "what had to wait comes to the second");
    EXPECT(next == std::vector{plain("and on")}, "and on");
}

void what_waits_for_a_journal_that_goes_waits_for_no_other() {
    Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    for (int number = 0; number < 900; ++number) {
        journal.tell(output::Priority::info, std::to_string(number));
    }
    unlink(reader.path().c_str());
    reader.socket.reset();
    const auto nothing = reader.settle(); // they go to standard error
    reader.listen();
    journal.tell(output::Priority::info, "and on");
    const auto next = reader.read_all();
    EXPECT(nothing.empty(), "nobody reads");
    EXPECT(next == std::vector{plain("and on")}, "and on");
}

void a_journal_that_takes_nothing_does_not_hold_up_the_end() {
    const Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    for (int number = 0; number < 900; ++number) {
        journal.tell(output::Priority::info, std::to_string(number));
    }
    const Duration before = monotonic_now();
    journal.finish(std::chrono::milliseconds(1));
    const Duration waited = monotonic_now() - before;
    const auto taken = reader.read_all();
    journal.finish(std::chrono::milliseconds(1));
    const auto more = reader.read_all();
    EXPECT(waited < std::chrono::seconds(10), "it waits no longer than it is to");
    EXPECT(!taken.empty() && taken.size() < 900, "not all were taken before");
    EXPECT(!more.empty(), "what is taken in time is written");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(entries_are_as_journald_reads_them),
        SESSLIMIT_TEST(what_is_not_taken_comes_later_in_its_order),
        SESSLIMIT_TEST(what_is_too_much_is_counted),
        SESSLIMIT_TEST(another_journald_is_found),
        SESSLIMIT_TEST(one_that_dies_with_entries_waiting_stops_nothing),
        SESSLIMIT_TEST(what_waits_for_a_journal_that_goes_waits_for_no_other),
        SESSLIMIT_TEST(a_journal_that_takes_nothing_does_not_hold_up_the_end),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
