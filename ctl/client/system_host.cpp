// SPDX-License-Identifier: MIT
#include "ctl/client/system_host.hpp"

#include "common/login_uid.hpp"
#include "common/process.hpp"
#include "common/unique_fd.hpp"
#include "ctl/client/enforcement.hpp"
#include "daemon/host_config/files.hpp"
#include "daemon/host_config/sshd_config.hpp"
#include "daemon/policy/load.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>

namespace sesslimit::ctl {
namespace {

// Maximum number of bytes read of a journal message. The messages of the PAM module are far shorter.
constexpr std::size_t max_message_length = 1024;

using Journal = std::unique_ptr<sd_journal, decltype([](sd_journal* journal) { sd_journal_close(journal); })>;

Journal opened(const std::string& directory) {
    sd_journal* journal = nullptr;
    (void)(directory.empty() ? sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM)
                             : sd_journal_open_directory(&journal, directory.c_str(), 0));
    return Journal(journal);
}

/// Returns true if the journal contains a file that the caller may read. sd-journal skips other files without an error.
bool has_files(sd_journal* journal) {
    std::uint64_t bytes = 0;
    return sd_journal_get_usage(journal, &bytes) >= 0 && bytes > 0;
}

// The PAM module warns about logins that it admitted without a decision of the daemon. It logs them to the facility
// authpriv through pam_syslog(3). The match for _UID=0 prevents forgery by other users, because journald sets _UID.
constexpr std::array<std::string_view, 4> of_module{"SYSLOG_FACILITY=10", "PRIORITY=4", "_UID=0", "_TRANSPORT=syslog"};
constexpr std::array<std::string_view, 2> of_logind{"_SYSTEMD_UNIT=systemd-logind.service", "_UID=0"};

/// Selects the journal entries that match all of the fields, to read them from the newest on.
bool select_entries(sd_journal* journal, std::span<const std::string_view> fields) {
    for (const std::string_view match : fields) {
        if (sd_journal_add_match(journal, match.data(), match.size()) < 0) {
            return false;
        }
    }
    return sd_journal_set_data_threshold(journal, max_message_length) >= 0 && sd_journal_seek_tail(journal) >= 0;
}

std::string_view message_of(sd_journal* journal) {
    constexpr std::string_view field = "MESSAGE=";
    const void* data = nullptr;
    std::size_t size = 0;
    if (sd_journal_get_data(journal, "MESSAGE", &data, &size) < 0) {
        return {};
    }
    const std::string_view text(static_cast<const char*>(data), size);
    return text.starts_with(field) ? text.substr(field.size()) : std::string_view();
}

/// Counts the logins that were admitted without a decision of the daemon, from the newest journal entry back to the
/// time `since`.
void count(sd_journal* journal, unsigned max_entries, UncountedLogins& found) {
    for (unsigned entries = 0; sd_journal_previous(journal) > 0; ++entries) {
        Usec at = 0;
        if (sd_journal_get_realtime_usec(journal, &at) < 0 || at < found.since) {
            return;
        }
        if (entries == max_entries) {
            found.complete = false;
            return;
        }
        auto login = parse_uncounted(message_of(journal));
        if (!login) {
            continue;
        }
        ++found.count;
        if (!found.last) {
            login->at = at;
            found.last = std::move(login);
        }
    }
}

std::string name_of(uid_t uid) {
    const auto name = policy::SystemNames::name_of(uid);
    return name && *name ? **name : "UID " + std::to_string(uid);
}

std::string own_session() {
    char* found = nullptr;
    const bool is_known = sd_pid_get_session(0, &found) >= 0;
    const std::unique_ptr<char, decltype([](char* text) { std::free(text); })> owned(found);
    return is_known ? found : "";
}

} // namespace

Selinux SystemHost::selinux() {
    const UniqueFd file(open(places_.enforce.c_str(), O_RDONLY | O_CLOEXEC));
    char mode = '0';
    if (!file) {
        // Every user may read /sys/fs/selinux/enforce (mode 0644). If the access is denied, SELinux has denied it and
        // is therefore enforcing.
        return errno == EACCES ? Selinux::enforcing : Selinux::off;
    }
    (void)!read(file.get(), &mode, 1);
    return mode == '0' ? Selinux::permissive : Selinux::enforcing;
}

UncountedLogins SystemHost::uncounted_logins(Usec since) {
    UncountedLogins found;
    found.since = since;
    const Journal journal = opened(places_.journal);
    if (journal == nullptr || !has_files(journal.get()) || !select_entries(journal.get(), of_module)) {
        found.source = geteuid() == 0 ? UncountedLogins::Source::none : UncountedLogins::Source::denied;
        return found;
    }
    found.source = UncountedLogins::Source::journal;
    count(journal.get(), places_.max_entries, found);
    return found;
}

// The message is that of session_dispatch_stop_on_idle() in systemd's logind-session.c.
bool SystemHost::logind_stopped_idle(const std::string& session, Usec since) {
    const Journal journal = opened(places_.journal);
    if (journal == nullptr || !select_entries(journal.get(), of_logind)) {
        return false;
    }
    for (unsigned entries = 0; entries < places_.max_entries && sd_journal_previous(journal.get()) > 0; ++entries) {
        Usec at = 0;
        if (sd_journal_get_realtime_usec(journal.get(), &at) < 0 || at < since) {
            return false;
        }
        const std::string_view message = message_of(journal.get());
        if (message.starts_with("Session \"" + session + "\" of user \"") &&
            message.ends_with("\" is idle, stopping.")) {
            return true;
        }
    }
    return false;
}

std::optional<host_config::Line> SystemHost::sshd_without_pam() {
    host_config::HostFiles files("/");
    return host_config::sshd_without_pam([&files](const std::string& pattern) { return files.matching(pattern); });
}

Caller SystemHost::caller() {
    const uid_t uid = ::geteuid();
    const auto pidfd = open_pidfd(::getpid());
    const auto login = pidfd ? login_uid_of(pidfd->get(), ::getpid(), std::nullopt) : std::nullopt;
    const uid_t person = login.value_or(uid);
    return {person == uid ? name_of(uid) : name_of(person) + " (as " + name_of(uid) + ")", person, own_session()};
}

bool SystemHost::log(const std::vector<std::pair<std::string, std::string>>& fields) {
    std::vector<std::string> texts{"SYSLOG_IDENTIFIER=sesslimitctl"};
    for (const auto& [name, value] : fields) {
        texts.push_back(name);
        texts.back() += '=';
        texts.back() += value;
    }
    std::vector<iovec> entry;
    entry.reserve(texts.size());
    for (std::string& text : texts) {
        entry.push_back({text.data(), text.size()});
    }
    return sd_journal_sendv(entry.data(), static_cast<int>(entry.size())) >= 0;
}

} // namespace sesslimit::ctl
