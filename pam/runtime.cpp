// SPDX-License-Identifier: MIT
#include <cstdlib>

// The module is linked without libstdc++. The non-header parts of libstdc++ would bring exceptions, their memory
// reserve that is allocated when a program loads the module, thread-local data and messages to stderr into every sshd.
// Two functions remain, which the headers call if a precondition is violated. The process cannot continue after such a
// violation. sshd or login then loses the one login that it was about to open.
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
