// SPDX-License-Identifier: MIT
#include "ctl/client/drop_in.hpp"
#include "tests/ctl/temporary_directory.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

using namespace sesslimit;
using namespace sesslimit::ctl;
using namespace sesslimit::test;
namespace fs = std::filesystem;

namespace {

using Step = DropIn::Step;

class Directory : public TemporaryDirectory {
  public:
    [[nodiscard]] fs::path file() const { return DropIn::path_in(path()); }
    void write(const std::string& text) const { TemporaryDirectory::write("policy.d/90-set.toml", text); }
    [[nodiscard]] std::string text() const { return read("policy.d/90-set.toml"); }
    [[nodiscard]] bool has_temporary_file() const { return fs::exists(file().parent_path() / ".90-set.toml.new"); }
};

constexpr std::chrono::milliseconds no_patience(0);

/// Returns the error of a locked replacement, or an empty text.
std::string replace(const Directory& directory, const std::string& text, std::function<int(Step)> before = {}) {
    auto drop_in = DropIn::lock(directory.path(), {.patience = no_patience, .before_step = std::move(before)});
    if (!drop_in) {
        return drop_in.error().what;
    }
    const auto done = drop_in->replace(text);
    return done ? "" : done.error().what;
}

/// Runs a function in a child process. Returns its status of waitpid(2).
int in_child(const std::function<int()>& body) {
    const pid_t child = fork();
    if (child == 0) {
        _exit(body());
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

std::vector<Step> all_steps() {
    std::vector<Step> steps;
    for (int step = 0; step <= static_cast<int>(DropIn::last_step); ++step) {
        steps.push_back(static_cast<Step>(step));
    }
    return steps;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

SESSLIMIT_TEST(new_file_is_created_with_its_directory) {
    const Directory directory;
    EXPECT_TEXT(replace(directory, "a"), "");
    EXPECT_TEXT(directory.text(), "a");
    struct stat status{};
    EXPECT(stat(directory.file().c_str(), &status) == 0 && (status.st_mode & 07777) == 0644, "mode");
    EXPECT(!directory.has_temporary_file(), "temporary file");
}

SESSLIMIT_TEST(owner_and_mode_are_kept) {
    const Directory directory;
    directory.write("a");
    const bool is_root = geteuid() == 0;
    EXPECT(chmod(directory.file().c_str(), 0640) == 0, "chmod");
    EXPECT(!is_root || chown(directory.file().c_str(), 12, 34) == 0, "chown");
    EXPECT_TEXT(replace(directory, "b"), "");
    struct stat status{};
    EXPECT(stat(directory.file().c_str(), &status) == 0 && (status.st_mode & 07777) == 0640, "mode");
    EXPECT(!is_root || (status.st_uid == 12 && status.st_gid == 34), "owner");
    EXPECT_TEXT(directory.text(), "b");
}

SESSLIMIT_TEST(extended_attributes_are_kept) {
    const Directory directory;
    directory.write("a");
    // an access control list with an entry for user 12 (linux/posix_acl_xattr.h): version, then tag, permissions and ID
    const std::uint16_t list[] = {2, 0,      0x01,   6,    0xFFFF, 0xFFFF, 0x02,   4,    12, 0,      0x04,
                                  4, 0xFFFF, 0xFFFF, 0x10, 4,      0xFFFF, 0xFFFF, 0x20, 0,  0xFFFF, 0xFFFF};
    if (setxattr(directory.file().c_str(), "system.posix_acl_access", list, sizeof list, 0) < 0 && errno == ENOTSUP) {
        skip(); // the file system has no access control lists
    }
    EXPECT_TEXT(replace(directory, "b"), "");
    std::array<std::uint16_t, std::size(list)> found{};
    EXPECT(getxattr(directory.file().c_str(), "system.posix_acl_access", found.data(), sizeof found) == sizeof found &&
               std::ranges::equal(found, list),
           "list");
    EXPECT_TEXT(directory.text(), "b");
}

SESSLIMIT_TEST(symbolic_link_read_only_and_other_files_are_refused) {
    const Directory directory;
    directory.write("a");
    EXPECT(chmod(directory.file().c_str(), 0444) == 0, "chmod");
    EXPECT(contains(replace(directory, "b"), "90-set.toml is read-only"), replace(directory, "b"));
    EXPECT(!DropIn::read(directory.path()).has_value(), "read");
    EXPECT_TEXT(directory.text(), "a");

    const fs::path target = directory.path() / "target";
    fs::rename(directory.file(), target);
    fs::create_symlink(target, directory.file());
    EXPECT(contains(replace(directory, "b"), "90-set.toml is a symbolic link"), replace(directory, "b"));
    EXPECT(fs::is_symlink(directory.file()), "link");
    fs::remove(directory.file());

    EXPECT(mkfifo(directory.file().c_str(), 0600) == 0, "mkfifo");
    EXPECT(contains(replace(directory, "b"), "90-set.toml is not a regular file"), replace(directory, "b"));
    fs::remove(directory.file());

    directory.write(std::string(1024 * 1024 + 1, '#'));
    EXPECT(contains(replace(directory, "b"), "larger than 1 MiB"), replace(directory, "b"));
}

SESSLIMIT_TEST(lock_and_temporary_file_do_not_follow_links) {
    const Directory directory;
    directory.write("a");
    const fs::path target = directory.path() / "target";
    std::ofstream(target) << "t";
    fs::create_symlink(target, directory.file().parent_path() / ".90-set.toml.new");
    EXPECT_TEXT(replace(directory, "b"), "");
    EXPECT(fs::file_size(target) == 1, "target of the temporary file");
    fs::remove(directory.file().parent_path() / ".90-set.toml.lock");
    fs::create_symlink(target, directory.file().parent_path() / ".90-set.toml.lock");
    EXPECT(contains(replace(directory, "c"), "failed to open"), "lock");
}

SESSLIMIT_TEST(restore_returns_the_old_file_or_none) {
    for (const bool existed : {true, false}) {
        const Directory directory;
        if (existed) {
            directory.write("old");
        }
        auto drop_in = DropIn::lock(directory.path(), {});
        EXPECT(drop_in && drop_in->restore() && drop_in->replace("new") && directory.text() == "new", "replace");
        EXPECT(drop_in->restore().has_value(), "restore");
        EXPECT_TEXT(directory.text(), existed ? "old" : "-");
    }
}

SESSLIMIT_TEST(failed_step_leaves_the_file_whole) {
    for (const bool existed : {true, false}) {
        for (const Step failing : all_steps()) {
            const Directory directory;
            if (existed) {
                directory.write("old");
            }
            const std::string error =
                replace(directory, "new", [failing](Step step) { return step == failing ? ENOSPC : 0; });
            EXPECT(contains(error, "No space left on device"), error);
            EXPECT_TEXT(directory.text(), failing == Step::sync_directory ? "new" : existed ? "old" : "-");
            EXPECT(!directory.has_temporary_file(), "temporary file");
        }
    }
}

SESSLIMIT_TEST(full_disk_leaves_the_file_whole) {
    const Directory directory;
    directory.write("old");
    const int status = in_child([&] {
        const rlimit limit{4096, 4096};
        (void)std::signal(SIGXFSZ, SIG_IGN); // write(2) then returns EFBIG after the first 4096 bytes
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        return contains(replace(directory, std::string(100'000, '#')), "File too large") ? 0 : 1;
    });
    EXPECT(status == 0, "error of the child");
    EXPECT_TEXT(directory.text(), "old");
    EXPECT(!directory.has_temporary_file(), "temporary file");
}

SESSLIMIT_TEST(kill_at_each_step_leaves_the_file_whole) {
    for (const Step fatal : all_steps()) {
        const Directory directory;
        directory.write("old");
        const int status = in_child([&] {
            (void)replace(directory, "new", [fatal](Step step) { return step == fatal ? kill(getpid(), SIGKILL) : 0; });
            return 0;
        });
        EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "child");
        EXPECT_TEXT(directory.text(), fatal == Step::sync_directory ? "new" : "old");
        EXPECT_TEXT(replace(directory, "next"), ""); // the lock is free, and a left temporary file does not matter
        EXPECT_TEXT(directory.text(), "next");
        EXPECT(!directory.has_temporary_file(), "temporary file");
    }
}

SESSLIMIT_TEST(kill_or_failure_during_restore_leaves_the_file_whole) {
    for (const std::string old : {"old", "-"}) {
        for (const Step step : all_steps()) {
            for (const bool killed : {true, false}) {
                const Directory directory;
                if (old != "-") {
                    directory.write(old);
                }
                bool restoring = false;
                const int status = in_child([&] {
                    auto drop_in =
                        DropIn::lock(directory.path(), {.patience = no_patience, .before_step = [&](Step at) {
                                                            return !restoring || at != step ? 0
                                                                   : killed                 ? kill(getpid(), SIGKILL)
                                                                                            : ENOSPC;
                                                        }});
                    const bool replaced = drop_in && drop_in->replace("new").has_value();
                    restoring = true;
                    return replaced && drop_in->restore() ? 0 : 1;
                });
                const std::string text = directory.text();
                EXPECT(text == old || text == "new", text);
                EXPECT(text == old || status != 0, "reported");
                EXPECT_TEXT(replace(directory, "next"), "");
                EXPECT(!directory.has_temporary_file(), "temporary file");
            }
        }
    }
}

SESSLIMIT_TEST(second_writer_waits_for_the_lock) {
    const Directory directory;
    const auto first = DropIn::lock(directory.path(), {});
    EXPECT(first.has_value(), "first");
    const auto second = DropIn::lock(directory.path(), {.patience = no_patience, .before_step = {}});
    EXPECT(!second && second.error().code == ETIMEDOUT && contains(second.error().what, "another program is changing"),
           second ? "locked twice" : second.error().what);
    EXPECT(DropIn::read(directory.path()).has_value(), "reading needs no lock");
}

/// Waits until a process waits for a lock of a file, as /proc/locks shows. Returns false if it does not do so within 20
/// s.
bool is_waiting_for_lock(pid_t pid) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
        std::ifstream locks("/proc/locks");
        for (std::string line; std::getline(locks, line);) {
            if (contains(line, "-> FLOCK") && contains(line, ' ' + std::to_string(pid) + ' ')) {
                return true;
            }
        }
        std::this_thread::yield();
    }
    return false;
}

/// The waiting program gets the lock as soon as it is free, and gives up after its patience. Both need no processor
/// time.
SESSLIMIT_TEST(waiting_for_the_lock_is_bounded_and_idle) {
    using std::chrono::steady_clock;
    const Directory directory;
    std::optional<DropIn> first = std::move(DropIn::lock(directory.path(), {})).value();
    const int status = in_child([&] {
        const auto begin = steady_clock::now();
        const auto second = DropIn::lock(directory.path(), {.patience = std::chrono::seconds(1), .before_step = {}});
        const auto waited = steady_clock::now() - begin;
        rusage used{};
        (void)getrusage(RUSAGE_SELF, &used);
        const bool gave_up = !second && second.error().code == ETIMEDOUT;
        return gave_up && waited >= std::chrono::seconds(1) && waited < std::chrono::seconds(20) && used.ru_nvcsw < 10
                   ? 0
                   : 1;
    });
    EXPECT(status == 0, std::to_string(status));
    const pid_t child = fork();
    if (child == 0) {
        first.reset(); // only the copy of the descriptor in the child
        _exit(DropIn::lock(directory.path(), {}) ? 0 : 1);
    }
    EXPECT(is_waiting_for_lock(child), "the child waits");
    first.reset();
    int exit = -1;
    EXPECT(waitpid(child, &exit, 0) == child && exit == 0, "the lock was passed on");
}

char letter(std::size_t writer) {
    return static_cast<char>('a' + static_cast<int>(writer));
}

SESSLIMIT_TEST(no_change_of_parallel_writers_is_lost) {
    constexpr std::size_t writers = 6;
    constexpr std::size_t changes = 20;
    const Directory directory;
    directory.write("");
    std::vector<pid_t> children;
    for (std::size_t writer = 0; writer < writers; ++writer) {
        const pid_t child = fork();
        if (child == 0) {
            bool good = true;
            for (std::size_t change = 0; change < changes && good; ++change) {
                auto drop_in = DropIn::lock(directory.path(), {});
                good = drop_in && drop_in->text() && drop_in->replace(*drop_in->text() + letter(writer));
            }
            _exit(good ? 0 : 1);
        }
        children.push_back(child);
    }
    bool good = true;
    for (const pid_t child : children) {
        int status = -1;
        good = waitpid(child, &status, 0) == child && status == 0 && good;
    }
    const std::string text = directory.text();
    EXPECT(good && text.size() == writers * changes, text);
    for (std::size_t writer = 0; writer < writers; ++writer) {
        EXPECT(std::ranges::count(text, letter(writer)) == static_cast<std::ptrdiff_t>(changes), text);
    }
}

} // namespace
