// SPDX-License-Identifier: MIT
#include "ctl/cli/editor.hpp"

#include "common/login_uid.hpp"
#include "common/unique_fd.hpp"
#include "daemon/policy/load.hpp"

#include <csignal>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>

namespace sesslimit::ctl {
namespace {

constexpr char copy_name[] = "90-set.toml";
constexpr char backup_name[] = "90-set.toml~"; // as several editors create it

/// The user as whom the editor runs.
struct Account {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name;
};

/// Returns the account of the user who started sudo, or nullopt if sudo is not used. Only root may change the user, and
/// sudo overwrites these variables.
Result<std::optional<Account>> sudo_user() {
    const char* text = geteuid() == 0 ? std::getenv("SUDO_UID") : nullptr;
    if (text == nullptr) {
        return std::nullopt;
    }
    const auto uid = parse_login_uid(text);
    const passwd* record = uid ? getpwuid(*uid) : nullptr;
    if (record == nullptr) {
        return fail("failed to determine the user who started sudo");
    }
    return Account{record->pw_uid, record->pw_gid, record->pw_name};
}

/// Returns the shell command that starts the editor with the file "$1".
std::string editor_command() {
    for (const char* variable : {"VISUAL", "EDITOR"}) {
        const char* editor = std::getenv(variable);
        if (editor != nullptr && *editor != '\0') {
            return std::string(editor) + " \"$1\"";
        }
    }
    return R"(if command -v editor >/dev/null; then exec editor "$1"; else exec vi "$1"; fi)";
}

[[noreturn]] void become_editor(const std::optional<Account>& account, const std::string& command,
                                const std::string& file) {
    const bool changed = !account || (initgroups(account->name.c_str(), account->gid) == 0 &&
                                      setgid(account->gid) == 0 && setuid(account->uid) == 0);
    if (changed) {
        execl("/bin/sh", "sh", "-c", command.c_str(), "sh", file.c_str(), nullptr);
    }
    _exit(127);
}

/// Runs the editor. SIGINT and SIGQUIT from the terminal concern only the editor.
Result<> run_editor(const std::optional<Account>& account, const std::string& file) {
    const std::string command = editor_command();
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    struct sigaction interrupt{};
    struct sigaction quit{};
    sigaction(SIGINT, &ignore, &interrupt);
    sigaction(SIGQUIT, &ignore, &quit);
    const pid_t child = fork();
    if (child == 0) {
        sigaction(SIGINT, &interrupt, nullptr);
        sigaction(SIGQUIT, &quit, nullptr);
        become_editor(account, command, file);
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    sigaction(SIGINT, &interrupt, nullptr);
    sigaction(SIGQUIT, &quit, nullptr);
    return child > 0 && status == 0 ? Result<>() : fail("the editor failed, and nothing was changed");
}

/// A copy of a text in a temporary directory, which is removed with the object. The directory and the copy belong to
/// the user of the editor. Therefore the copy is read only if it still is a regular file of this user.
class Copy {
  public:
    Copy() = default;
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;
    ~Copy() {
        if (directory_) {
            for (const char* name : {copy_name, backup_name}) {
                (void)unlinkat(directory_.get(), name, 0);
            }
            (void)rmdir(path_.c_str());
        }
    }

    [[nodiscard]] std::string file() const { return path_ + '/' + copy_name; }

    Result<> write(std::string_view text, const std::optional<Account>& account) {
        path_ = "/tmp/sesslimit-XXXXXX";
        if (mkdtemp(path_.data()) == nullptr) {
            return fail_errno("create a directory in /tmp");
        }
        directory_.reset(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
        const UniqueFd file(openat(directory_.get(), copy_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                                   S_IRUSR | S_IWUSR));
        if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            return fail_errno("write " + this->file());
        }
        owner_ = account ? account->uid : geteuid();
        if (account && (fchown(file.get(), account->uid, account->gid) < 0 ||
                        fchown(directory_.get(), account->uid, account->gid) < 0)) {
            return fail_errno("change the owner of " + this->file());
        }
        return {};
    }

    [[nodiscard]] Result<std::string> read() const {
        const UniqueFd file(
            openat(directory_.get(), copy_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
        struct stat status{};
        if (!file || fstat(file.get(), &status) < 0) {
            return fail_errno("open " + this->file());
        }
        if (!S_ISREG(status.st_mode) || status.st_uid != owner_) {
            return fail(this->file() + " is not a regular file of the user any more");
        }
        auto text = policy::read_all(file.get());
        if (!text) {
            return fail(this->file() + ": " + text.error().what, text.error().code);
        }
        return text;
    }

  private:
    std::string path_;
    UniqueFd directory_;
    uid_t owner_ = 0;
};

} // namespace

Result<std::string> UserEditor::edit(std::string_view text) {
    const auto account = sudo_user();
    if (!account) {
        return std::unexpected(account.error());
    }
    Copy copy;
    auto done = copy.write(text, *account);
    if (done) {
        done = run_editor(*account, copy.file());
    }
    if (!done) {
        return std::unexpected(std::move(done.error()));
    }
    return copy.read();
}

} // namespace sesslimit::ctl
