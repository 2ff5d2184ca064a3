// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <string>

namespace sesslimit::test {

/// A private dbus-daemon with its own directory. Both are removed with the object.
class PrivateBus {
  public:
    /// `rules` are elements of dbus-daemon(1) appended to the default policy, which allows everything. Throws
    /// std::runtime_error if the daemon does not start.
    explicit PrivateBus(const std::string& rules = {});
    PrivateBus(const PrivateBus&) = delete;
    PrivateBus& operator=(const PrivateBus&) = delete;
    ~PrivateBus();

    /// Returns the address for DBUS_SYSTEM_BUS_ADDRESS.
    [[nodiscard]] const std::string& address() const { return address_; }
    [[nodiscard]] const std::string& directory() const { return directory_; }

    void stop();
    /// Keeps the bus from reading and answering until resume().
    void suspend() const;
    void resume() const;

  private:
    std::string directory_;
    std::string address_;
    pid_t pid_ = 0;
};

} // namespace sesslimit::test
