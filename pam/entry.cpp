// SPDX-License-Identifier: MIT
#include "pam/session.hpp"

#include <security/pam_modules.h>

#include <cstddef>

namespace {

sesslimit::pam::Arguments arguments_of(int count, const char** texts) noexcept {
    return sesslimit::pam::parse_arguments({texts, count > 0 ? static_cast<std::size_t>(count) : 0});
}

} // namespace

// All functions called by the entry points are noexcept. The declarations in the PAM header do not allow noexcept here.
extern "C" {

[[gnu::visibility("default")]] int pam_sm_open_session(pam_handle_t* handle, int flags, int argc, const char** argv) {
    return sesslimit::pam::open_session(handle, flags, arguments_of(argc, argv));
}

[[gnu::visibility("default")]] int pam_sm_close_session(pam_handle_t* handle, int, int argc, const char** argv) {
    sesslimit::pam::close_session(handle, arguments_of(argc, argv));
    return PAM_SUCCESS;
}
}
