// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace sesslimit {

/// An error that is described for a human reader. Code that handles an error logs it. Code that only returns an error
/// to its caller does not log it.
struct Error {
    std::string what; ///< One line without a full stop, such as "failed to open /run/x: Permission denied".
    int code = 0;     ///< Underlying errno value, or 0 if the error has none.
};

/// The result of a function, which is a value or an error. A function that returns an error has not modified its output
/// parameters.
template <class T = void>
using Result = std::expected<T, Error>;

/// Creates an error result.
inline std::unexpected<Error> fail(std::string what, int code = 0) {
    return std::unexpected(Error{std::move(what), code});
}

/// Creates an error with the text "failed to", `doing` and the description of `code`. By default, `code` is the current
/// errno, which must still have the value that the failed call has set.
inline std::unexpected<Error> fail_errno(std::string doing, int code = errno) {
    return fail("failed to " + std::move(doing) + ": " + std::strerror(code), code);
}

} // namespace sesslimit
