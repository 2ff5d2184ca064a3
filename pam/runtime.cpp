// SPDX-License-Identifier: MIT
#include <cstdlib>

// The module is linked without libstdc++: what of it is not in headers would bring exceptions, their reserve of memory
// that is taken when a program loads us, thread-local data and messages to stderr into every sshd. Two functions are
// left, which the headers call for a broken precondition. There is no good way on from there; sshd and login lose the
// one login that they were about to open.
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
