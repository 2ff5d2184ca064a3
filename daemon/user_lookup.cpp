// SPDX-License-Identifier: MIT
#include "daemon/user_lookup.hpp"

#include "common/protocol.hpp"
#include "daemon/policy/load.hpp"

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sesslimit {

namespace {

using policy::SystemNames;

/// Maximum number of groups of a process (NGROUPS_MAX in linux/limits.h).
constexpr std::size_t max_groups = 65536;

Result<std::vector<gid_t>> groups_of(const std::string& user, gid_t primary) {
    std::vector<gid_t> gids;
    for (const std::size_t most : {wire::max_gids, max_groups}) {
        gids.resize(most);
        int count = static_cast<int>(most);
        if (getgrouplist(user.c_str(), primary, gids.data(), &count) >= 0) {
            gids.resize(static_cast<std::size_t>(count));
            return gids;
        }
        if (count <= static_cast<int>(most)) {
            return fail("out of memory while reading the groups of a user", ENOMEM);
        }
    }
    return gids; // a process cannot have more groups either
}

void sort_out(std::vector<gid_t>& gids) {
    std::ranges::sort(gids);
    const auto repeats = std::ranges::unique(gids);
    gids.erase(repeats.begin(), repeats.end());
}

} // namespace

Result<std::vector<gid_t>> groups_of(const std::string& user) {
    const auto account = SystemNames::account(user);
    if (!account) {
        return std::unexpected(account.error());
    }
    auto gids = *account ? groups_of(user, (*account)->gid) : std::vector<gid_t>{};
    if (gids) {
        sort_out(*gids);
    }
    return gids;
}

std::optional<Login> complete(api::ExplainQuery question) {
    Login login = std::move(question.login);
    if (login.user.empty()) {
        auto name = SystemNames::name_of(question.uid.value()).value_or(std::nullopt);
        if (!name) {
            return std::nullopt;
        }
        login.user = *std::move(name);
    }
    SystemNames names;
    if (const auto account = SystemNames::account(login.user).value_or(std::nullopt)) {
        login.uid = question.uid.value_or(account->uid);
        login.gids = groups_of(login.user, account->gid).value_or(std::vector{account->gid});
    } else if (question.uid) {
        login.uid = *question.uid;
    } else {
        return std::nullopt;
    }
    for (const std::string& name : question.groups) {
        if (const auto gid = names.group(name)) {
            login.gids.push_back(*gid);
        }
    }
    sort_out(login.gids);
    return login;
}

} // namespace sesslimit
