// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <string>

namespace sesslimit::test {

/// A dbus-daemon of the test's own, in a directory of its own; both go with it.
class PrivateBus {
  public:
    /// `rules` are elements of dbus-daemon(1) that come last in its default policy, where everything is allowed.
    /// Throws std::runtime_error where the daemon does not come up.
    explicit PrivateBus(const std::string& rules = {});
    PrivateBus(const PrivateBus&) = delete;
    PrivateBus& operator=(const PrivateBus&) = delete;
    ~PrivateBus();

    /// For DBUS_SYSTEM_BUS_ADDRESS.
    [[nodiscard]] const std::string& address() const { return address_; }
    [[nodiscard]] const std::string& directory() const { return directory_; }

    void stop();

  private:
    std::string directory_;
    std::string address_;
    pid_t pid_ = 0;
};

} // namespace sesslimit::test
