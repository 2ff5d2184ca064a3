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

/// A journald substitute that reads on request.
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

    /// Returns the received entries.
    [[nodiscard]] std::vector<std::string> read_all() const {
        std::vector<std::string> entries;
        std::array<char, 65536> buffer{};
        ssize_t size = 0;
        while ((size = recv(socket.get(), buffer.data(), buffer.size(), 0)) > 0) {
            entries.emplace_back(buffer.data(), static_cast<std::size_t>(size));
        }
        return entries;
    }

    /// Reads and runs the loop until neither has work left. Returns the entries received.
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

SESSLIMIT_TEST(entries_encoded_in_native_journal_format) {
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

SESSLIMIT_TEST(entries_not_accepted_sent_later_in_order) {
    const Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    std::vector<std::string> told;
    for (int number = 0; number < 900; ++number) { // more than the kernel buffers, fewer than the daemon queues
        told.push_back(plain(std::to_string(number)));
        journal.log(output::Priority::info, std::to_string(number));
    }
    const auto at_once = reader.read_all();
    const auto later = reader.settle();
    auto all = at_once;
    all.insert(all.end(), later.begin(), later.end());
    EXPECT(!at_once.empty() && !later.empty(), "some immediately, some later");
    EXPECT(all == told, "all of them, in their order");
    EXPECT(sd_event_run(reader.loop.get(), 0) == 0, "no event source remains active");
}

SESSLIMIT_TEST(entries_beyond_queue_limit_dropped_and_counted) {
    const Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    constexpr std::size_t many = 3 * Journal::max_queued;
    for (std::size_t number = 0; number < many; ++number) {
        journal.log(output::Priority::info, std::to_string(number));
    }
    const auto all = reader.settle();
    const std::size_t lost = many + 1 - all.size();
    EXPECT(all.size() > Journal::max_queued && lost > 0, "the queue limit is reached, not exceeded");
    const std::string last =
        std::to_string(lost) + " journal entries were lost because systemd-journald did not accept them.";
    EXPECT(!all.empty() && all.back().find(last) != std::string::npos, last.c_str());
}

SESSLIMIT_TEST(restarted_journald_reconnected) {
    Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    journal.log(output::Priority::info, "to the first");
    const auto first = reader.read_all();
    reader.listen();
    journal.log(output::Priority::info, "to the second");
    const auto second = reader.read_all();
    EXPECT(first == std::vector{plain("to the first")}, "the first");
    EXPECT(second == std::vector{plain("to the second")}, "the second");
}

SESSLIMIT_TEST(journald_restart_with_queued_entries_recovers) {
    Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    for (int number = 0; number < 900; ++number) {
        journal.log(output::Priority::info, std::to_string(number));
    }
    reader.listen(); // the entries that the first one had not read are lost with it
    const auto all = reader.settle();
    journal.log(output::Priority::info, "later entries are sent");
    const auto next = reader.read_all();
    EXPECT(!all.empty() && all.back() == plain("899"), "queued entries reach the second one");
    EXPECT(next == std::vector{plain("later entries are sent")}, "later entries are sent");
}

SESSLIMIT_TEST(queued_entries_discarded_when_journald_disappears) {
    Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    for (int number = 0; number < 900; ++number) {
        journal.log(output::Priority::info, std::to_string(number));
    }
    unlink(reader.path().c_str());
    reader.socket.reset();
    const auto nothing = reader.settle(); // the entries are written to standard error
    reader.listen();
    journal.log(output::Priority::info, "later entries are sent");
    const auto next = reader.read_all();
    EXPECT(nothing.empty(), "no journald reads");
    EXPECT(next == std::vector{plain("later entries are sent")}, "later entries are sent");
}

SESSLIMIT_TEST(finish_returns_in_time_when_journald_stalls) {
    const Reader reader;
    Journal journal(reader.loop.get(), reader.path());
    for (int number = 0; number < 900; ++number) {
        journal.log(output::Priority::info, std::to_string(number));
    }
    const MonotonicTime before = monotonic_now();
    journal.finish(std::chrono::milliseconds(1));
    const Duration waited = monotonic_now() - before;
    const auto taken = reader.read_all();
    journal.finish(std::chrono::milliseconds(1));
    const auto more = reader.read_all();
    EXPECT(waited < std::chrono::seconds(10), "it waits no longer than requested");
    EXPECT(!taken.empty() && taken.size() < 900, "not all entries were accepted before");
    EXPECT(!more.empty(), "entries accepted in time are written");
}

} // namespace
