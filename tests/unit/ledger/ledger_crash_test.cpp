// SPDX-License-Identifier: MIT
// Repeatedly kills a process that updates the ledger, and reads the ledger with the next process.
#include "daemon/ledger/ledger.hpp"

#include "tests/unit/support/ledger_sample.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <random>

using namespace sesslimit;
using namespace sesslimit::test;

namespace {

constexpr int usual_kills = 300;
int kills = usual_kills; // or the number on the command line
constexpr std::size_t places = 24;
constexpr std::size_t step = 4; // few slots, so that the ledger also grows while processes are killed

/// Log of the child's updates, in memory that outlives it. The child announces an update, does it and confirms it.
struct Diary {
    struct Entry {
        std::atomic<std::uint64_t> key; ///< 0: no update was started in this entry
        std::atomic<std::uint32_t> announced, confirmed;
        std::atomic<bool> drop_announced, drop_confirmed;
    };
    std::array<Entry, places> entries;
    std::atomic<std::uint64_t> updates;
    std::atomic<bool> failed;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Returns a session whose payload fills nearly all the room, so that a kill is likely to hit a write.
core::Session large(std::uint64_t key, std::uint32_t version) {
    core::Session session = sample(key, version);
    session.login.gids.clear();
    for (gid_t gid = 0; gid < 360; ++gid) {
        session.login.gids.push_back(gid * 1000 + version % 1000);
    }
    return session;
}

void update(ledger::Ledger& ledger, Diary::Entry& entry, std::uint64_t new_key, bool drop) {
    if (entry.key == 0) {
        entry.announced = 1;
        entry.confirmed = 0;
        entry.drop_announced = false;
        entry.drop_confirmed = false;
        entry.key = new_key;
    } else if (drop) {
        entry.drop_announced = true;
        ledger.drop(SessionKey{entry.key.load()});
        entry.drop_confirmed = true;
        entry.key = 0;
        return;
    } else {
        entry.announced = entry.confirmed + 1;
    }
    if (ledger.put(large(entry.key, entry.announced))) {
        entry.confirmed = entry.announced.load();
    }
}

[[noreturn]] void update_until_killed(const std::filesystem::path& directory, Diary& diary, std::uint_fast32_t seed,
                                      std::uint64_t next_key) {
    Opened opened(directory, step);
    if (!opened.good()) {
        diary.failed = true;
        _exit(1);
    }
    std::minstd_rand random(seed);
    for (;;) {
        update(*opened.ledger, diary.entries[random() % places], next_key++, random() % 8 == 0);
        ++diary.updates;
    }
}

/// Waits in short sleeps, so that the kill comes at any point of an update.
void wait_for(const Diary& diary, std::uint64_t updates, long nanoseconds) {
    const timespec moment{.tv_sec = 0, .tv_nsec = 20'000};
    for (int round = 0; diary.updates < updates && !diary.failed && round < 100'000; ++round) {
        nanosleep(&moment, nullptr);
    }
    const timespec rest{.tv_sec = 0, .tv_nsec = nanoseconds};
    nanosleep(&rest, nullptr);
}

/// Compares the ledger's session with an entry. Returns the error, or an empty text. Updates the entry to the ledger's
/// state.
std::string reconcile(Diary::Entry& entry, const Sessions& sessions, std::size_t& found) {
    if (entry.key == 0) {
        return {};
    }
    const auto session = sessions.find(SessionKey{entry.key.load()});
    if (session == sessions.end()) {
        const bool may_be_gone = entry.drop_announced || entry.confirmed == 0;
        entry.key = 0;
        return may_be_gone ? "" : "a session is lost";
    }
    ++found;
    const std::uint32_t version = session->second.reason.count;
    if (entry.drop_confirmed) {
        return "a dropped session is back";
    }
    if (version != entry.announced && version != entry.confirmed) {
        return "neither the state before nor the one after";
    }
    if (session->second != large(entry.key, version)) {
        return "a partial update";
    }
    entry.announced = version;
    entry.confirmed = version;
    entry.drop_announced = false;
    return {};
}

std::size_t torn_copies(const std::filesystem::path& file) {
    Bytes bytes = read_file(file);
    std::size_t torn = 0;
    for (std::size_t place = 0; place < bytes.size() / ledger::slot_size; ++place) {
        for (const unsigned index : {0U, 1U}) {
            torn += ledger::read_copy(slot_of(bytes, place), index).state == ledger::Copy::State::torn ? 1U : 0U;
        }
    }
    return torn;
}

SESSLIMIT_TEST(ledger_of_killed_process_loses_no_session) {
    const TemporaryDirectory home;
    void* const shared = mmap(nullptr, sizeof(Diary), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    EXPECT(shared != MAP_FAILED, "shared memory");
    auto& diary = *new (shared) Diary{};
    std::minstd_rand random(7);
    std::size_t torn = 0;
    for (int round = 0; round < kills; ++round) {
        const std::uint64_t before = diary.updates;
        const pid_t child = fork();
        if (child == 0) {
            update_until_killed(home.path, diary, random(), 1 + static_cast<std::uint64_t>(round) * 100'000'000);
        }
        wait_for(diary, before + 50, static_cast<long>(random() % 300'000));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        torn += torn_copies(home.path / "ledger");

        const Opened opened(home.path, step);
        const std::string when = "kill " + std::to_string(round) + ": ";
        EXPECT(!diary.failed && opened.good(), when + opened.said());
        std::size_t found = 0;
        for (Diary::Entry& entry : diary.entries) {
            EXPECT_TEXT(when + reconcile(entry, opened.sessions, found), when);
        }
        EXPECT(found == opened.sessions.size(), when + "an unknown session");
    }
    print_message("%d kills during %llu updates: %zu torn copies, no session lost\n", kills,
                  static_cast<unsigned long long>(diary.updates.load()), torn);
    EXPECT(diary.updates > 50ULL * static_cast<unsigned>(kills), "it was busy");
    EXPECT(std::filesystem::file_size(home.path / "ledger") > 3 * step * ledger::slot_size, "it has grown");
    munmap(shared, sizeof(Diary));
}

/// Initial content of the directory in which the daemon opens its ledger.
enum class Found { nothing, foreign, full };

void prepare(const std::filesystem::path& directory, Found found) {
    for (const char* name : {"ledger", "ledger.old", "ledger.new"}) {
        std::filesystem::remove(directory / name);
    }
    if (found == Found::foreign) {
        write_file(directory / "ledger", Bytes(3 * ledger::slot_size, std::byte{0x55}));
    }
    if (found == Found::full) {
        Opened made(directory, step);
        for (std::uint64_t key = 1; made.ledger && key <= step; ++key) {
            (void)made.ledger->put(large(key, 1));
        }
    }
}

/// Creates or takes over a ledger and lets it grow, repeatedly, so that the kill comes at any point of that.
[[noreturn]] void begin_until_killed(const std::filesystem::path& directory, Found found, std::atomic<int>& begun) {
    for (;;) {
        prepare(directory, found);
        ++begun;
        Opened opened(directory, step);
        for (std::uint64_t key = 100; opened.ledger && key < 100 + 3 * step; ++key) {
            (void)opened.ledger->put(large(key, 1));
        }
    }
}

/// The process may be killed at any point. The next one starts and accepts only whole sessions.
SESSLIMIT_TEST(ledger_of_process_killed_at_start_opens) {
    const TemporaryDirectory home;
    void* const shared =
        mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    EXPECT(shared != MAP_FAILED, "shared memory");
    auto& begun = *new (shared) std::atomic<int>{};
    std::minstd_rand random(11);
    for (int round = 0; round < kills / 3; ++round) {
        const int before = begun;
        const pid_t child = fork();
        if (child == 0) {
            begin_until_killed(home.path, Found{round % 3}, begun);
        }
        const timespec moment{.tv_sec = 0, .tv_nsec = 20'000};
        for (int waited = 0; begun == before && waited < 100'000; ++waited) {
            nanosleep(&moment, nullptr);
        }
        const timespec rest{.tv_sec = 0, .tv_nsec = static_cast<long>(random() % 300'000)};
        nanosleep(&rest, nullptr);
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);

        Opened opened(home.path, step);
        const std::string when = "kill " + std::to_string(round) + ": ";
        EXPECT(opened.good(), when + opened.said());
        for (const auto& [key, session] : opened.sessions) {
            EXPECT(session == large(std::to_underlying(key), 1), when + "a partial session");
        }
        EXPECT(opened.ledger->put(sample(7)).has_value(), when + "it accepts sessions");
    }
    print_message("%d starts killed, of %d\n", kills / 3, begun.load());
    EXPECT(begun >= kills / 3, "each child has started");
    munmap(shared, sizeof(std::atomic<int>));
}

} // namespace

int main(int count, char** words) {
    kills = count > 1 ? std::atoi(words[1]) : usual_kills;
    return sesslimit::test::run_all();
}
