// SPDX-License-Identifier: MIT
#include "pam/remembered.hpp"

#include <security/pam_modules.h>
#include <unistd.h>

#include <cstdlib>

namespace sesslimit::pam {
namespace {

constexpr char key[] = "sesslimit.session";

void clean_up(pam_handle_t*, void* data, int) noexcept {
    std::free(data);
}

} // namespace

bool store_session(pam_handle_t* handle, std::uint64_t session) noexcept {
    auto* data = static_cast<SessionHandle*>(std::malloc(sizeof(SessionHandle)));
    if (data == nullptr) {
        return false;
    }
    *data = {session, getpid()};
    if (pam_set_data(handle, key, data, &clean_up) != PAM_SUCCESS) {
        std::free(data);
        return false;
    }
    return true;
}

std::optional<SessionHandle> remembered(const pam_handle_t* handle) noexcept {
    const void* data = nullptr;
    if (pam_get_data(handle, key, &data) != PAM_SUCCESS || data == nullptr) {
        return std::nullopt;
    }
    return *static_cast<const SessionHandle*>(data);
}

} // namespace sesslimit::pam
