// SPDX-License-Identifier: MIT
#include "daemon/users.hpp"

#include "common/protocol.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sesslimit {

namespace {

constexpr std::size_t entry_bytes = 16384;

std::optional<passwd> find_user(const std::string& name, std::array<char, entry_bytes>& buffer) {
    passwd entry{};
    passwd* found = nullptr;
    if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        return std::nullopt;
    }
    return entry;
}

std::vector<gid_t> groups_of(const std::string& user, gid_t primary) {
    std::vector<gid_t> gids(wire::max_gids);
    int count = static_cast<int>(gids.size());
    if (getgrouplist(user.c_str(), primary, gids.data(), &count) < 0) {
        count = static_cast<int>(gids.size()); // in more groups than fit: the first ones
    }
    gids.resize(static_cast<std::size_t>(count));
    return gids;
}

void sort_out(std::vector<gid_t>& gids) {
    std::ranges::sort(gids);
    const auto repeats = std::ranges::unique(gids);
    gids.erase(repeats.begin(), repeats.end());
}

} // namespace

std::vector<gid_t> groups_of(const std::string& user) {
    std::array<char, entry_bytes> buffer{};
    const auto entry = find_user(user, buffer);
    std::vector<gid_t> gids = entry ? groups_of(user, entry->pw_gid) : std::vector<gid_t>{};
    sort_out(gids);
    return gids;
}

std::optional<Login> complete(api::Question question) {
    Login login = std::move(question.login);
    std::array<char, entry_bytes> buffer{};
    if (const auto entry = find_user(login.user, buffer)) {
        login.uid = question.uid.value_or(entry->pw_uid);
        login.gids = groups_of(login.user, entry->pw_gid);
    } else if (question.uid) {
        login.uid = *question.uid;
    } else {
        return std::nullopt;
    }
    for (const std::string& name : question.groups) {
        group entry{};
        group* found = nullptr;
        if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
            login.gids.push_back(entry.gr_gid);
        }
    }
    sort_out(login.gids);
    return login;
}

} // namespace sesslimit
