// SPDX-License-Identifier: MIT
#include "daemon/ledger/ledger.hpp"

#include "common/unique_fd.hpp"
#include "daemon/ledger/ledger_file.hpp"
#include "tests/unit/support/ledger_sample.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <random>

using namespace sesslimit;
using namespace sesslimit::test;
using core::Session;

namespace fs = std::filesystem;

namespace {

/// Runs `body` in a child process. Returns its exit status, or 128 plus the signal that terminated it.
int in_child(const std::function<int()>& body) {
    const pid_t child = fork();
    if (child == 0) {
        int code = 99;
        try {
            code = body();
        } catch (...) {
        }
        _exit(code);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

SESSLIMIT_TEST(random_updates_match_model) {
    TemporaryDirectory home;
    std::mt19937_64 random(42);
    Sessions model;
    std::uint64_t next_key = 1;
    for (int life = 0; life < 30; ++life) {
        Opened opened(home.path, 16);
        EXPECT(opened.good() && opened.dropped.empty(), opened.said());
        EXPECT(opened.sessions == model, std::to_string(life));
        for (int step = 0; step < 200; ++step) {
            const auto any =
                model.empty() ? model.end() : std::next(model.begin(), static_cast<long>(random() % model.size()));
            if (any == model.end() || random() % 3 == 0) {
                const auto session = sample(next_key++, static_cast<std::uint32_t>(random()));
                EXPECT(opened.ledger->put(session).has_value(), "put");
                model.emplace(session.key, session);
            } else if (random() % 2 == 0) {
                any->second = sample(std::to_underlying(any->first), static_cast<std::uint32_t>(random()));
                EXPECT(opened.ledger->put(any->second).has_value(), "replace");
            } else {
                opened.ledger->drop(any->first);
                model.erase(any);
            }
        }
        opened.ledger->drop(SessionKey{next_key}); // unknown session
        EXPECT(opened.ledger->size() == model.size(), std::to_string(life));
    }
    EXPECT(next_key > 1000, "it has grown and reused slots");
}

SESSLIMIT_TEST(ledger_grows_stepwise) {
    TemporaryDirectory home;
    constexpr std::uint64_t many = 1500;
    {
        Opened opened(home.path);
        EXPECT(fs::file_size(home.path / "ledger") == 1025 * ledger::slot_size, "initial size");
        for (std::uint64_t key = 1; key <= many; ++key) {
            EXPECT(opened.ledger->put(sample(key)).has_value(), std::to_string(key));
        }
        EXPECT(fs::file_size(home.path / "ledger") == (2 * 1024 + 1) * ledger::slot_size, "one step larger");
    }
    Opened opened(home.path);
    EXPECT(opened.good() && opened.dropped.empty() && opened.sessions.size() == many, opened.said());
    EXPECT(opened.sessions.at(SessionKey{many}) == sample(many), "the last one");
    struct stat status{};
    stat((home.path / "ledger").c_str(), &status);
    EXPECT((status.st_mode & 07777) == 0600, "mode");
    EXPECT(status.st_blocks * 512 >= status.st_size, "no holes");
}

/// Sessions of tests/data/ledger/version-1, a ledger that a daemon with format version 1 has written. A seventh session
/// was recorded and dropped.
Sessions sessions_of_version_1() {
    Session waiting = sample(2);
    waiting.phase = core::Phase::waiting;
    Session admitted = sample(3, 9);
    admitted.phase = core::Phase::admitted;
    admitted.logind_id.clear();
    admitted.admitted = BootTime(Duration(5));
    Session ending = sample(4, 1);
    ending.phase = core::Phase::ending;
    ending.stage = core::TerminationStage::sigterm_sent;
    ending.reason.cause = core::Cause::idle;
    Session full = fullest();
    full.phase = core::Phase::closed;
    full.kept = false;
    full.logged_out = {};
    full.longest_idle = {};
    full.fleet_limit = 0;
    full.login.gids = {0, 1, 4'294'967'295};
    Sessions all;
    for (const Session& session : {sample(1, 4), waiting, admitted, ending, full}) {
        all[session.key] = session;
    }
    return all;
}

/// Sessions of tests/data/ledger/version-2, a ledger that a daemon with format version 2 has written. A seventh session
/// was recorded and dropped.
Sessions sessions_of_version_2() {
    Sessions all = sessions_of_version_1();
    Session left = sample(6, 2);
    left.phase = core::Phase::left_behind;
    left.logged_out = BootTime(Duration(30));
    left.longest_idle = core::WholeSeconds(12);
    Session full = fullest();
    full.fleet_limit = 0;
    full.login.gids = {4'294'967'295};
    all[left.key] = left;
    all[full.key] = full;
    return all;
}

/// Returns the recorded ledger of an earlier format version, as if this boot's daemon had written it.
Bytes ledger_of_version(int version) {
    Bytes bytes =
        read_file(fs::path(SESSLIMIT_SOURCE_DIR) / "tests/data/ledger" / ("version-" + std::to_string(version)));
    const auto payload = ledger::read_slot(slot_of(bytes, 0)).payload;
    Bytes header(payload.begin(), payload.end());
    std::memcpy(header.data() + 24, ledger::read_boot_id()->data(), sizeof(ledger::BootId));
    ledger::write_slot(slot_of(bytes, 0), 3, header);
    ledger::write_slot(slot_of(bytes, 0), 4, header);
    return bytes;
}

/// Opens a ledger of an earlier format version, and updates a session of it.
void expect_converted(int version, Sessions expected) {
    TemporaryDirectory home;
    write_file(home.path / "ledger", ledger_of_version(version));
    {
        Opened opened(home.path, 6);
        EXPECT(opened.good() && opened.dropped.empty(), opened.said());
        EXPECT(opened.sessions == expected, "all sessions are kept");
    }
    Bytes converted = read_file(home.path / "ledger");
    for (const unsigned copy : {0U, 1U}) {
        const auto header = ledger::decode_header(ledger::read_copy(slot_of(converted, 0), copy).payload);
        EXPECT(header && header->version == 3 && header->slots == 6, std::to_string(copy));
    }
    // The record of one session is now of the current version.
    Session left = expected[SessionKey{1}];
    left.phase = core::Phase::left_behind;
    left.logged_out = BootTime(Duration(30));
    left.fleet_limit = 3;
    expected[left.key] = left;
    EXPECT(Opened(home.path, 6).ledger->put(left).has_value(), "update");
    const Opened again(home.path, 6);
    EXPECT(again.good() && again.dropped.empty() && again.sessions == expected, again.said());
}

SESSLIMIT_TEST(ledger_of_earlier_version_converted) {
    expect_converted(1, sessions_of_version_1());
    expect_converted(2, sessions_of_version_2());
}

SESSLIMIT_TEST(longest_session_recorded) {
    TemporaryDirectory home;
    const Session full = fullest();
    {
        Opened opened(home.path, 1);
        EXPECT(opened.ledger->put(full).has_value(), "put");
        Session impossible = full;
        impossible.login.user.push_back('x');
        EXPECT(!opened.ledger->put(impossible).has_value(), "impossible");
        EXPECT(opened.ledger->size() == 1, "one");
    }
    Opened opened(home.path, 1);
    EXPECT(opened.sessions == (Sessions{{full.key, full}}), opened.said());
}

SESSLIMIT_TEST(other_file_types_at_ledger_path_moved_aside) {
    TemporaryDirectory home;
    const Bytes victim = small_ledger(home.path);
    fs::rename(home.path / "ledger", home.path / "victim");
    const auto opens = [&](const char* what) {
        Opened opened(home.path, 1);
        EXPECT(opened.good() && opened.dropped.size() == 1 && opened.ledger->put(sample(1)), what + opened.said());
        opened.close();
        fs::remove(home.path / "ledger");
    };
    fs::create_symlink("victim", home.path / "ledger");
    fs::create_symlink("victim", home.path / "ledger.new");
    opens("symbolic link: ");
    EXPECT(read_file(home.path / "victim") == victim, "the link's target is unchanged");
    fs::remove(home.path / "ledger.old");
    mkfifo((home.path / "ledger").c_str(), 0600);
    opens("fifo: ");
    fs::remove(home.path / "ledger.old");
    fs::create_directory(home.path / "ledger");
    opens("directory: ");
}

SESSLIMIT_TEST(ledger_opened_once_at_a_time) {
    TemporaryDirectory home;
    Opened mine(home.path, 2);
    EXPECT(mine.ledger->put(sample(1)).has_value(), "put");
    const auto second = [&] {
        Opened theirs(home.path, 2);
        if (theirs.ledger || !theirs.sessions.empty()) {
            return 1;
        }
        const Error& error = theirs.ledger.error();
        return error.code == EAGAIN && error.what.ends_with("locked by another process") ? 0 : 2;
    };
    EXPECT(in_child(second) == 0, "rejected");
    EXPECT(in_child(second) == 0, "rejected again");
    EXPECT(second() == 0, "rejected in the process that has it open");
    mine.close();
    EXPECT(in_child([&] { return Opened(home.path, 2).sessions.size() == 1 ? 0 : 1; }) == 0, "opened after close");
}

/// Returns this process's descriptors that refer to files in the directory.
std::vector<int> descriptors_into(const fs::path& directory) {
    std::vector<int> found;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        if (fs::read_symlink(entry.path(), gone).string().starts_with(directory.string())) {
            found.push_back(std::stoi(entry.path().filename()));
        }
    }
    return found;
}

SESSLIMIT_TEST(ledger_descriptors_closed_on_exec_and_destruction) {
    TemporaryDirectory home;
    {
        Opened opened(home.path, 1);
        const auto open_ones = descriptors_into(home.path);
        EXPECT(open_ones.size() == 2, "the ledger and its lock");
        for (const int fd : open_ones) {
            EXPECT((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, std::to_string(fd));
        }
    }
    EXPECT(descriptors_into(home.path).empty(), "all closed");
}

SESSLIMIT_TEST(unusable_directory_reported) {
    TemporaryDirectory home;
    Opened missing(home.path / "none");
    EXPECT(!missing.ledger && missing.ledger.error().code == ENOENT, missing.said());
    const int as_nobody = in_child([&] {
        if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0)) {
            return 77;
        }
        const Opened opened("/");
        return !opened.ledger && opened.ledger.error().code == EACCES ? 0 : 1;
    });
    EXPECT(as_nobody == 0, "not writable");
}

/// Runs `body` with a small file system mounted. Returns its exit status, or 77 if this process may not mount one.
int on_small_file_system(const fs::path& mount_point, const std::function<int()>& body) {
    return in_child([&] {
        if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=64k,mode=700") != 0) {
            return 77;
        }
        return body();
    });
}

/// Fills the rest of the file system.
void fill_up(const fs::path& file) {
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    const std::array<char, 512> block{};
    while (::write(fd.get(), block.data(), block.size()) > 0) {
    }
}

/// The file system has sixteen pages. The ledger grows by two slots at a time until it is full.
int grow_until_full(const fs::path& home) {
    std::uint64_t last = 0;
    {
        Opened opened(home, 2);
        while (opened.ledger && opened.ledger->put(sample(last + 1))) {
            ++last;
        }
        const auto denied = opened.ledger->put(sample(last + 1));
        if (last < 4 || last > 15 || denied || denied.error().code != ENOSPC || opened.ledger->size() != last) {
            return 1;
        }
        fill_up(home / "ballast");
        if (!opened.ledger->put(sample(1, 9))) {
            return 2; // an update needs no additional room
        }
        opened.ledger->drop(SessionKey{2});
        if (!opened.ledger->put(sample(last + 1)) || opened.ledger->put(sample(last + 2))) {
            return 3; // one slot was free
        }
    }
    const Opened again(home, 2);
    return again.good() && again.dropped.empty() && again.sessions.size() == last &&
                   again.sessions.at(SessionKey{1}) == sample(1, 9)
               ? 0
               : 4;
}

SESSLIMIT_TEST(case_D12_deleted_ledger_detected) {
    const std::pair<const char*, std::function<void(const fs::path&)>> losses[] = {
        {"file deleted", [](const fs::path& home) { fs::remove(home / "ledger"); }},
        {"directory deleted", [](const fs::path& home) { fs::remove_all(home); }},
        {"directory deleted and created again",
         [](const fs::path& home) {
             fs::remove_all(home);
             fs::create_directory(home);
         }},
        {"file replaced",
         [](const fs::path& home) {
             fs::copy_file(home / "ledger", home / "copy");
             fs::rename(home / "copy", home / "ledger");
         }},
    };
    for (const auto& [what, lose] : losses) {
        const TemporaryDirectory home;
        Opened opened(home.path, 4);
        EXPECT(opened.ledger->put(sample(1)) && opened.ledger->is_in_place() && !opened.ledger->is_deleted(), what);
        lose(home.path);
        EXPECT(!opened.ledger->is_in_place() && opened.ledger->is_deleted(), what);
        EXPECT(opened.ledger->put(sample(2)).has_value(), what);
    }
}

/// A file moved aside must not prevent the creation of a new ledger.
int old_one_makes_room(const fs::path& home) {
    const Bytes rubbish(40'000);
    write_file(home / "ledger", rubbish);
    const Opened opened(home, 8);
    return opened.good() && opened.dropped.size() == 2 && !fs::exists(home / "ledger.old") ? 0 : 1;
}

int nothing_fits(const fs::path& home) {
    const Opened opened(home, 100);
    return !opened.ledger && opened.ledger.error().code == ENOSPC && !fs::exists(home / "ledger.new") ? 0 : 1;
}

/// Opens a ledger that was copied with holes, on a file system without room to fill them.
int holes_are_not_mapped(const fs::path& home) {
    small_ledger(home);
    if (truncate((home / "ledger").c_str(), 4'000'000) != 0) {
        return 1;
    }
    const Opened opened(home, 3);
    return !opened.ledger && opened.ledger.error().code == ENOSPC && opened.sessions.empty() ? 0 : 2;
}

SESSLIMIT_TEST(full_file_system_handled) {
    const TemporaryDirectory home;
    const int grown = on_small_file_system(home.path, [&] { return grow_until_full(home.path); });
    if (grown == 77) {
        skip();
    }
    EXPECT(grown == 0, std::to_string(grown));
    const int moved = on_small_file_system(home.path, [&] { return old_one_makes_room(home.path); });
    EXPECT(moved == 0, std::to_string(moved));
    const int nothing = on_small_file_system(home.path, [&] { return nothing_fits(home.path); });
    EXPECT(nothing == 0, std::to_string(nothing));
    const int holes = on_small_file_system(home.path, [&] { return holes_are_not_mapped(home.path); });
    EXPECT(holes == 0, std::to_string(holes));
}

} // namespace
