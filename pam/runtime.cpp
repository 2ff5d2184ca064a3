// SPDX-License-Identifier: MIT
#include <cstdlib>

// The PAM module is linked without libstdc++. The compiled part of libstdc++ would bring exceptions, their memory
// reserve, thread-local data and messages to stderr into every program that loads the module, such as sshd. The memory
// reserve would be allocated when the module is loaded. The headers of libstdc++ call two functions of the compiled
// part if a precondition is violated. This file defines these two functions so that they abort the process, because it
// cannot continue. sshd or login then loses the one login that it was about to open.
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
