// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace sesslimit {

/// What went wrong, for a person to read. Whoever handles it logs it; whoever returns it does not.
struct Error {
    std::string what; ///< one line, no full stop: "open /run/sesslimit/ledger: Permission denied"
    int code = 0;     ///< the errno value behind it, 0 where there is none
};

/// A value, or the error that took its place. Outputs of a failed call are untouched.
template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string what, int code = 0) {
    return std::unexpected(Error{std::move(what), code});
}

/// An error made of errno, which must still be that of the call that failed.
inline std::unexpected<Error> fail_errno(std::string doing, int code = errno) {
    return fail(std::move(doing) + ": " + std::strerror(code), code);
}

} // namespace sesslimit
