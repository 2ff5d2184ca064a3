// SPDX-License-Identifier: MIT
#include "pam/facts.hpp"

#include "common/local_login.hpp"
#include "common/process.hpp"
#include "common/unique_fd.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_modules.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sesslimit::pam {
namespace {

using Done = std::expected<void, Failure>;
using std::unexpected;

constexpr std::size_t first_entry_size = 4096;
constexpr std::size_t largest_entry_size = std::size_t{1} << 20;
/// Bytes of the buffer for a cgroup file, enough for twelve v1 hierarchies with long paths.
constexpr std::size_t cgroup_size = 16384;

/// Returns the text of a PAM item such as PAM_TTY, or an empty view if the PAM handle does not have this item.
std::string_view item(const pam_handle_t* handle, int type) noexcept {
    const void* value = nullptr;
    if (pam_get_item(handle, type, &value) != PAM_SUCCESS || value == nullptr) {
        return {};
    }
    return static_cast<const char*>(value);
}

/// Returns a variable from the PAM environment, which is the environment of the login that is being opened. It is not
/// the environment of the current process.
std::string_view variable(const pam_handle_t* handle, const char* name) noexcept {
    // The cast is safe, because pam_getenv(3) only reads the handle. The parameter of pam_getenv(3) is not const.
    const char* value = pam_getenv(const_cast<pam_handle_t*>(handle), name);
    return value != nullptr ? std::string_view(value) : std::string_view();
}

/// Returns `text`, or `instead` if `text` is longer than `bound`. If `text` is too long, adds `name` to the names of
/// dropped items in `facts`.
std::string_view bounded(std::string_view text, std::size_t bound, const char* name, LoginInfo& facts,
                         std::string_view instead = {}) noexcept {
    if (text.size() <= bound) {
        return text;
    }
    facts.dropped_items[facts.left_out_count++] = name;
    return instead;
}

Done look_up(const char* name, LoginInfo& facts, passwd& entry) noexcept {
    for (std::size_t size = first_entry_size; size <= largest_entry_size; size *= 2) {
        facts.entry = HeapArray<char>(size);
        if (!facts.entry) {
            return unexpected(Failure{RequestOutcome::no_memory});
        }
        passwd* found = nullptr;
        const int error = getpwnam_r(name, &entry, facts.entry.data(), facts.entry.size(), &found);
        if (found != nullptr) {
            return {};
        }
        // If a user does not exist, getpwnam_r(3) returns 0, ENOENT, ESRCH, EBADF or EPERM, depending on the source of
        // users.
        if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM) {
            return unexpected(Failure{RequestOutcome::unknown_user});
        }
        // A look-up that a signal interrupted is repeated with a larger buffer, although the buffer was large enough.
        // The larger buffer is harmless, and its maximum size bounds the number of attempts.
        if (error != ERANGE && error != EINTR) {
            return unexpected(Failure{RequestOutcome::lookup_failed, error});
        }
    }
    return unexpected(Failure{RequestOutcome::lookup_failed, ERANGE});
}

Done find_user(const pam_handle_t* handle, LoginInfo& facts, passwd& entry) noexcept {
    const std::string_view name = item(handle, PAM_USER);
    if (name.empty()) {
        return unexpected(Failure{RequestOutcome::no_user});
    }
    if (name.size() > wire::max_user) {
        return unexpected(Failure{RequestOutcome::user_too_long});
    }
    if (Done found = look_up(name.data(), facts, entry); !found) {
        facts.root = found.error().ending != RequestOutcome::unknown_user && name == "root";
        return found;
    }
    facts.root = entry.pw_uid == 0;
    // Uses the user name as the user database spells it, and not as the user typed it. Some databases ignore case, but
    // policies match users by name.
    facts.request.user = entry.pw_name;
    facts.request.uid = entry.pw_uid;
    if (facts.request.user.empty()) {
        return unexpected(Failure{RequestOutcome::unknown_user});
    }
    return facts.request.user.size() > wire::max_user ? unexpected(Failure{RequestOutcome::user_too_long}) : Done{};
}

Done find_groups(const passwd& entry, LoginInfo& facts) noexcept {
    facts.gids = HeapArray<gid_t>(wire::max_gids);
    if (!facts.gids) {
        return unexpected(Failure{RequestOutcome::no_memory});
    }
    int count = static_cast<int>(wire::max_gids);
    if (getgrouplist(entry.pw_name, entry.pw_gid, facts.gids.data(), &count) < 0) {
        // If the user has too many groups for the array, getgrouplist(3) raises `count`, and glibc fills the whole
        // array. Any other failure leaves `count` unchanged.
        if (count <= static_cast<int>(wire::max_gids)) {
            return unexpected(Failure{RequestOutcome::lookup_failed});
        }
        facts.request.gids_cut = true;
        count = static_cast<int>(wire::max_gids);
    }
    facts.request.gids = wire::GidView(std::span<const gid_t>(facts.gids.data(), static_cast<std::size_t>(count)));
    return {};
}

/// Returns the seat that a display manager has named in XDG_SEAT. Without XDG_SEAT, returns "seat0" for a login on a
/// virtual console, which always belongs to seat0 (sd-login(3)). Returns an empty text for any other login.
std::string_view seat_of(const pam_handle_t* handle, std::string_view tty) noexcept {
    const std::string_view named = variable(handle, "XDG_SEAT");
    if (!named.empty()) {
        return named;
    }
    const std::string_view name = terminal_name(tty);
    const bool console = name.size() > 3 && name.starts_with("tty") && name[3] >= '1' && name[3] <= '9';
    return console ? "seat0" : std::string_view();
}

Done find_items(const pam_handle_t* handle, LoginInfo& facts) noexcept {
    wire::OpenRequest& request = facts.request;
    request.service = item(handle, PAM_SERVICE);
    if (request.service.empty() || request.service.size() > wire::max_service) {
        return unexpected(Failure{RequestOutcome::no_service});
    }
    request.tty = bounded(item(handle, PAM_TTY), wire::max_tty, "PAM_TTY", facts);
    request.rhost = bounded(item(handle, PAM_RHOST), wire::max_host, "PAM_RHOST", facts, wire::too_long_host);
    request.ruser = bounded(item(handle, PAM_RUSER), wire::max_user, "PAM_RUSER", facts);
    request.auth_info = bounded(variable(handle, "SSH_AUTH_INFO_0"), wire::max_auth_info, "SSH_AUTH_INFO_0", facts);
    request.connection = bounded(variable(handle, "SSH_CONNECTION"), wire::max_connection, "SSH_CONNECTION", facts);
    request.seat = bounded(seat_of(handle, request.tty), wire::max_seat, "XDG_SEAT", facts);
    return {};
}

bool nested(const char* cgroup_file) noexcept {
    const UniqueFd file(open(cgroup_file, O_RDONLY | O_CLOEXEC));
    HeapArray<char> text(cgroup_size);
    if (!file || !text) {
        return false;
    }
    std::size_t length = 0;
    while (length < text.size()) {
        const ssize_t got = read(file.get(), text.data() + length, text.size() - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        length += static_cast<std::size_t>(got);
    }
    return in_session_scope({text.data(), length});
}

} // namespace

Done collect_login_info(const pam_handle_t* handle, const char* cgroup_file, LoginInfo& facts) noexcept {
    passwd entry{};
    Done done = find_user(handle, facts, entry);
    if (done) {
        done = find_items(handle, facts);
    }
    if (done) {
        done = find_groups(entry, facts);
    }
    if (done) {
        facts.request.nested = nested(cgroup_file);
    }
    return done;
}

bool is_user_manager(const pam_handle_t* handle) noexcept {
    return item(handle, PAM_SERVICE) == "systemd-user";
}

bool needs_single_line(const pam_handle_t* handle) noexcept {
    return item(handle, PAM_SERVICE) == "cockpit";
}

} // namespace sesslimit::pam
