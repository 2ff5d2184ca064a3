// SPDX-License-Identifier: MIT
#include "daemon/users.hpp"

#include "common/protocol.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace sesslimit {

std::vector<gid_t> groups_of(const std::string& user) {
    std::array<char, 16384> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        return {};
    }
    std::vector<gid_t> gids(wire::max_gids);
    int count = static_cast<int>(gids.size());
    if (getgrouplist(user.c_str(), entry.pw_gid, gids.data(), &count) < 0) {
        count = static_cast<int>(gids.size()); // in more groups than fit: the first ones
    }
    gids.resize(static_cast<std::size_t>(count));
    std::ranges::sort(gids);
    return gids;
}

} // namespace sesslimit
