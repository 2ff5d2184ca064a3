// SPDX-License-Identifier: MIT
#include "pam/session.hpp"

#include <security/pam_modules.h>

#include <cstddef>

namespace {

sesslimit::pam::Arguments arguments_of(int count, const char** texts) noexcept {
    return sesslimit::pam::parse_arguments({texts, count > 0 ? static_cast<std::size_t>(count) : 0});
}

} // namespace

// The entry points do not throw, because all functions that they call are noexcept. The entry points themselves cannot
// be noexcept, because the PAM header declares them without it.
extern "C" {

[[gnu::visibility("default")]] int pam_sm_open_session(pam_handle_t* handle, int flags, int argc, const char** argv) {
    return sesslimit::pam::open_session(handle, flags, arguments_of(argc, argv));
}

[[gnu::visibility("default")]] int pam_sm_close_session(pam_handle_t* handle, int, int argc, const char** argv) {
    sesslimit::pam::close_session(handle, arguments_of(argc, argv));
    return PAM_SUCCESS;
}
}
