// SPDX-License-Identifier: MIT
#pragma once

#include "common/unique_fd.hpp"
#include "daemon/inspect/terminals.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

namespace sesslimit::test {

/// Both ends of a pty. Its owner is the user that runs the test.
struct Pty {
    UniqueFd master{posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    UniqueFd slave;
    inspect::Terminal terminal;

    Pty() {
        std::array<char, 64> path{};
        (void)grantpt(master.get());
        (void)unlockpt(master.get());
        (void)ptsname_r(master.get(), path.data(), path.size());
        slave.reset(open(path.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
        if (struct stat at{}; slave && fstat(slave.get(), &at) == 0) {
            terminal = {at.st_rdev, std::string(path.data()).substr(std::strlen("/dev/")), at.st_uid};
        }
    }

    /// Types a line on the master and reads it from the slave.
    void type() const {
        std::array<char, 8> read_back{};
        (void)!write(master.get(), "x\n", 2);
        (void)!read(slave.get(), read_back.data(), read_back.size());
    }
};

} // namespace sesslimit::test
