// SPDX-License-Identifier: MIT
#include "ctl/client/drop_in.hpp"

#include "common/text.hpp"
#include "daemon/policy/load.hpp"

#include <fcntl.h>
#include <linux/limits.h>
#include <sys/file.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <vector>

namespace sesslimit::ctl {
namespace {

namespace fs = std::filesystem;

constexpr char temporary_name[] = ".90-set.toml.new";
constexpr char lock_name[] = ".90-set.toml.lock";
constexpr std::size_t max_path_length = 4096;
constexpr mode_t new_mode = 0644;
constexpr mode_t permissions = 07777;

/// A timer that interrupts a blocking system call of this thread by SIGALRM, which has no other effect. The first
/// signal arrives after the time `delay`, and further ones every second, because the first one may arrive before the
/// system call has started. The program uses SIGALRM for no other purpose. The destructor stops the timer.
class Alarm {
  public:
    explicit Alarm(std::chrono::milliseconds delay) {
        struct sigaction action{};
        action.sa_handler = [](int) {};
        sigemptyset(&action.sa_mask);
        (void)::sigaction(SIGALRM, &action, &old_action_); // without SA_RESTART
        sigset_t alarm{};
        sigemptyset(&alarm);
        sigaddset(&alarm, SIGALRM);
        (void)::pthread_sigmask(SIG_UNBLOCK, &alarm, &old_mask_); // the caller may have blocked it
        const auto seconds = std::chrono::floor<std::chrono::seconds>(delay);
        const itimerval times{
            .it_interval = {.tv_sec = 1, .tv_usec = 0},
            .it_value = {.tv_sec = seconds.count(),
                         .tv_usec = std::chrono::duration_cast<std::chrono::microseconds>(delay - seconds).count()}};
        (void)::setitimer(ITIMER_REAL, &times, nullptr);
    }
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    ~Alarm() {
        const itimerval none{};
        (void)::setitimer(ITIMER_REAL, &none, nullptr);
        (void)::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
        (void)::sigaction(SIGALRM, &old_action_, nullptr);
    }

  private:
    struct sigaction old_action_{};
    sigset_t old_mask_{};
};

/// Returns the reason why a file of this kind and mode must not be replaced, or null.
const char* obstacle(const struct stat& status) {
    if (S_ISLNK(status.st_mode)) {
        return "is a symbolic link, and is not changed; change its target with an editor";
    }
    if (!S_ISREG(status.st_mode)) {
        return "is not a regular file";
    }
    return (status.st_mode & S_IWUSR) == 0
               ? "is read-only, and is not changed; its mode does not permit its owner to write"
               : nullptr;
}

Result<> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            return fail_errno("write");
        }
        text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
    return {};
}

} // namespace

fs::path DropIn::path_in(const fs::path& policy_directory) {
    return policy_directory / "policy.d" / name;
}

std::string DropIn::shown(const char* file) const {
    return escape_for_display((directory_ / file).native(), max_path_length);
}

Result<std::optional<std::string>> DropIn::read(const fs::path& policy_directory) {
    DropIn drop_in({});
    drop_in.directory_ = path_in(policy_directory).parent_path();
    drop_in.directory_fd_.reset(::open(drop_in.directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!drop_in.directory_fd_) {
        return errno == ENOENT ? Result<std::optional<std::string>>(std::nullopt)
                               : fail_errno("open " + drop_in.shown(""));
    }
    if (auto done = drop_in.read_file(); !done) {
        return std::unexpected(std::move(done.error()));
    }
    return std::move(drop_in.text_);
}

Result<DropIn> DropIn::lock(const fs::path& policy_directory, Options options) {
    DropIn drop_in(std::move(options));
    auto done = drop_in.open_directory(policy_directory);
    if (done) {
        done = drop_in.take_lock();
    }
    if (done) {
        done = drop_in.read_file();
    }
    if (!done) {
        return std::unexpected(std::move(done.error()));
    }
    return drop_in;
}

Result<> DropIn::open_directory(const fs::path& policy_directory) {
    directory_ = path_in(policy_directory).parent_path();
    if (::mkdir(directory_.c_str(), S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH) < 0 && errno != EEXIST) {
        return fail_errno("create " + shown(""));
    }
    directory_fd_.reset(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory_fd_) {
        return fail_errno("open " + shown(""));
    }
    return {};
}

Result<> DropIn::take_lock() {
    lock_.reset(::openat(directory_fd_.get(), lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
                         S_IRUSR | S_IWUSR));
    if (!lock_) {
        return fail_errno("open " + shown(lock_name));
    }
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) {
        return {};
    }
    const auto end = std::chrono::steady_clock::now() + options_.patience;
    const Alarm alarm(options_.patience);
    while (std::chrono::steady_clock::now() < end) {
        if (::flock(lock_.get(), LOCK_EX) == 0) {
            return {};
        }
        if (errno != EINTR) {
            return fail_errno("lock " + shown(lock_name));
        }
    }
    return fail("another program is changing " + shown(name), ETIMEDOUT);
}

Result<> DropIn::copy_attributes(int to) const {
    const UniqueFd from(::openat(directory_fd_.get(), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    std::array<char, XATTR_LIST_MAX> names{};
    const ssize_t size = from ? ::flistxattr(from.get(), names.data(), names.size()) : -1;
    if (size < 0) {
        return errno == ENOTSUP ? Result<>() : fail_errno("read the extended attributes");
    }
    std::vector<char> value(XATTR_SIZE_MAX);
    for (const char* one = names.data(); one < names.data() + size; one += std::string_view(one).size() + 1) {
        if (std::string_view(one).starts_with("security.")) {
            continue;
        }
        const ssize_t length = ::fgetxattr(from.get(), one, value.data(), value.size());
        if (length < 0 || ::fsetxattr(to, one, value.data(), static_cast<std::size_t>(length), 0) < 0) {
            return fail_errno("copy the extended attribute " + escape_for_display(one));
        }
    }
    return {};
}

Result<> DropIn::read_file() {
    struct stat status{};
    if (::fstatat(directory_fd_.get(), name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT) {
            return {};
        }
        return fail_errno("inspect " + shown(name));
    }
    if (const char* problem = obstacle(status)) {
        return fail(shown(name) + ' ' + problem, EINVAL);
    }
    const UniqueFd file(::openat(directory_fd_.get(), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!file || ::fstat(file.get(), &attributes_) < 0) {
        return fail_errno("open " + shown(name));
    }
    auto text = policy::read_all(file.get());
    if (!text) {
        return fail(shown(name) + ": " + text.error().what, text.error().code);
    }
    text_ = *std::move(text);
    return {};
}

Result<> DropIn::before(Step step, const char* doing) const {
    const int error = options_.before_step ? options_.before_step(step) : 0;
    return error == 0 ? Result<>() : fail_errno(doing, error);
}

Result<> DropIn::write_beside(std::string_view text) {
    if (auto done = before(Step::create, "create"); !done) {
        return done;
    }
    // An earlier program that was killed may have left the file. The lock ensures that no other program uses it.
    (void)::unlinkat(directory_fd_.get(), temporary_name, 0);
    const UniqueFd file(::openat(directory_fd_.get(), temporary_name,
                                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!file) {
        return fail_errno("create");
    }
    auto done = before(Step::write, "write");
    if (done) {
        done = write_all(file.get(), text);
    }
    if (!done) {
        return done;
    }
    done = before(Step::set_attributes, "set the owner and mode");
    const bool owned = !text_ || ::fchown(file.get(), attributes_.st_uid, attributes_.st_gid) == 0;
    if (done && (!owned || ::fchmod(file.get(), text_ ? attributes_.st_mode & permissions : new_mode) < 0)) {
        done = fail_errno("set the owner and mode");
    }
    if (done && text_) {
        done = copy_attributes(file.get());
    }
    if (done) {
        done = before(Step::sync, "sync");
    }
    if (done && ::fsync(file.get()) < 0) {
        done = fail_errno("sync");
    }
    return done;
}

Result<> DropIn::replace(std::string_view text) {
    auto done = write_beside(text);
    if (done) {
        done = before(Step::rename, "rename");
    }
    if (done && ::renameat(directory_fd_.get(), temporary_name, directory_fd_.get(), name) < 0) {
        done = fail_errno("rename");
    }
    if (!done) {
        (void)::unlinkat(directory_fd_.get(), temporary_name, 0);
        return fail(shown(temporary_name) + ": " + done.error().what, done.error().code);
    }
    replaced_ = true;
    done = before(Step::sync_directory, "sync");
    if (done && ::fsync(directory_fd_.get()) < 0) {
        done = fail_errno("sync");
    }
    return done ? done : fail(shown("") + ": " + done.error().what, done.error().code);
}

Result<> DropIn::restore() {
    if (!replaced_) {
        return {};
    }
    if (text_) {
        return replace(*text_);
    }
    if (auto done = before(Step::rename, "remove"); !done) {
        return done;
    }
    if (::unlinkat(directory_fd_.get(), name, 0) < 0 && errno != ENOENT) {
        return fail_errno("remove " + shown(name));
    }
    return ::fsync(directory_fd_.get()) < 0 ? fail_errno("sync " + shown("")) : Result<>();
}

} // namespace sesslimit::ctl
