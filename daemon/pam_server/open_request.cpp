// SPDX-License-Identifier: MIT
#include "daemon/pam_server/open_request.hpp"

#include "daemon/credential/credential.hpp"

#include <algorithm>
#include <chrono>

namespace sesslimit::pam_server {
namespace {

std::vector<gid_t> sorted_gids(const wire::GidView& view) {
    std::vector<gid_t> gids(view.size());
    for (std::size_t at = 0; at < gids.size(); ++at) {
        gids[at] = view[at];
    }
    std::ranges::sort(gids);
    const auto repeats = std::ranges::unique(gids);
    gids.erase(repeats.begin(), repeats.end());
    return gids;
}

} // namespace

core::OpenRequested opened_by(const wire::OpenRequest& request, RequestId id, const Leader& leader) {
    return {
        .request = id,
        .login = {.user = std::string(request.user),
                  .uid = request.uid,
                  .gids = sorted_gids(request.gids),
                  .service = std::string(request.service),
                  .tty = std::string(request.tty),
                  .rhost = std::string(request.rhost),
                  .ruser = std::string(request.ruser),
                  .seat = std::string(request.seat),
                  .credential = read_auth_info(request.auth_info),
                  .connection = std::string(request.connection),
                  .nested = request.nested,
                  .gids_cut = request.gids_cut},
        .leader = leader,
        .budget = std::chrono::milliseconds(request.budget_ms),
    };
}

} // namespace sesslimit::pam_server
