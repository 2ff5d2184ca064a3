// SPDX-License-Identifier: MIT
#pragma once

#include "common/unique_fd.hpp"

#include <sys/resource.h>
#include <unistd.h>

namespace sesslimit::test {

/// Leaves this many free descriptors to the process until destruction. Assert only after the object has left its scope.
class Descriptors {
  public:
    explicit Descriptors(rlim_t left) {
        (void)getrlimit(RLIMIT_NOFILE, &before_);
        const UniqueFd next(dup(STDERR_FILENO));
        rlimit few = before_;
        few.rlim_cur = static_cast<rlim_t>(next.get()) + left;
        (void)setrlimit(RLIMIT_NOFILE, &few);
    }
    ~Descriptors() { (void)setrlimit(RLIMIT_NOFILE, &before_); }
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;

  private:
    rlimit before_{};
};

/// Returns the result of `ask`, called with this many free descriptors.
template <class Ask>
auto with_descriptors(rlim_t left, Ask ask) {
    const Descriptors few(left);
    return ask();
}

} // namespace sesslimit::test
