// SPDX-License-Identifier: MIT
#include "daemon/policy/load.hpp"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <expected>

namespace sesslimit::policy {
namespace {

constexpr std::size_t first_room = 4096;
constexpr std::size_t max_room =
    // The buffer for a group entry may grow to 16 MiB, because a group of a directory service may have very many
    // members.
    std::size_t{16} * 1024 * 1024;

/// Calls a function such as getpwnam_r(3), and repeats the call with a larger buffer if the function returns ERANGE.
/// Returns true if the user or group exists. Errors: the errno value that the function returned.
template <class Record, class Function, class Key>
std::expected<bool, int> ask(Function function, Key key, Record& record, std::vector<char>& room) {
    for (room.resize(first_room); room.size() <= max_room; room.resize(room.size() * 4)) {
        Record* found = nullptr;
        int failed = 0;
        do {
            failed = function(key, &record, room.data(), room.size(), &found);
        } while (failed == EINTR);
        if (failed != ERANGE) {
            // Some NSS services report an unknown name with ENOENT or ESRCH (getpwnam(3), ERRORS).
            const bool not_found = failed == ENOENT || failed == ESRCH;
            if (failed != 0 && !not_found) {
                return std::unexpected(failed);
            }
            return failed == 0 && found != nullptr;
        }
    }
    return std::unexpected(ERANGE);
}

template <class Record, class Function>
bool look_up(Function function, const std::string& name, Record& record, std::vector<char>& room) {
    return ask(function, name.c_str(), record, room).value_or(false);
}

} // namespace

Result<std::optional<SystemNames::Account>> SystemNames::account(const std::string& name) {
    passwd record{};
    std::vector<char> room;
    const auto found = ask(getpwnam_r, name.c_str(), record, room);
    if (!found) {
        return fail_errno("look up a user", found.error());
    }
    return *found ? std::optional(Account{record.pw_uid, record.pw_gid}) : std::nullopt;
}

Result<std::optional<std::string>> SystemNames::name_of(uid_t uid) {
    passwd record{};
    std::vector<char> room;
    const auto found = ask(getpwuid_r, uid, record, room);
    if (!found) {
        return fail_errno("look up a user", found.error());
    }
    return *found ? std::optional(std::string(record.pw_name)) : std::nullopt;
}

std::optional<uid_t> SystemNames::user(const std::string& name) {
    passwd record{};
    std::vector<char> room;
    return look_up(getpwnam_r, name, record, room) ? std::optional(record.pw_uid) : std::nullopt;
}

std::optional<gid_t> SystemNames::group(const std::string& name) {
    struct group record{};
    std::vector<char> room;
    return look_up(getgrnam_r, name, record, room) ? std::optional(record.gr_gid) : std::nullopt;
}

} // namespace sesslimit::policy
