// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace sesslimit {

/// An error for a human reader. The code that handles an error logs it. Code that only returns the error does not log
/// it.
struct Error {
    std::string what; ///< one line, no full stop: "open /run/sesslimit/ledger: Permission denied"
    int code = 0;     ///< underlying errno value; 0 if the error has none
};

/// A value or an error. A failed call does not modify its output parameters.
template <class T = void>
using Result = std::expected<T, Error>;

/// Creates an error result.
inline std::unexpected<Error> fail(std::string what, int code = 0) {
    return std::unexpected(Error{std::move(what), code});
}

/// Creates an error from errno, which must still be set by the call that failed.
inline std::unexpected<Error> fail_errno(std::string doing, int code = errno) {
    return fail(std::move(doing) + ": " + std::strerror(code), code);
}

} // namespace sesslimit
