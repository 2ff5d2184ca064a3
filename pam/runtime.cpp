// SPDX-License-Identifier: MIT
#include <cstdlib>

// The PAM module is linked without libstdc++. Otherwise every program that loads the module, such as sshd, would
// contain the exception handling of libstdc++, its thread-local data and its messages to stderr. libstdc++ would also
// allocate memory for exceptions when it is loaded. Only the headers of libstdc++ are used. They call two functions of
// the library if a precondition is violated. This file defines these two functions so that they abort the process.
namespace std {

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl58-cpp): the names are libstdc++'s (bits/c++config.h,
// bits/functexcept.h).
[[gnu::noreturn]] void __glibcxx_assert_fail(const char*, int, const char*, const char*) noexcept;
[[gnu::noreturn]] void __throw_out_of_range_fmt(const char*, ...);

void __glibcxx_assert_fail(const char*, int, const char*, const char*) noexcept {
    std::abort();
}

void __throw_out_of_range_fmt(const char*, ...) {
    std::abort();
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl58-cpp)

} // namespace std
