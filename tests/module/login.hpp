// SPDX-License-Identifier: MIT
#pragma once

#include "tests/module/fake_daemon.hpp"

#include <security/pam_appl.h>

#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::test {

/// An unprivileged user that every system has.
inline constexpr char ordinary_user[] = "nobody";

/// A PAM application: a handle whose service contains only the built module as session line.
class Login {
  public:
    /// `arguments` are the module's arguments without socket=. If `user` is null, PAM_USER is not set.
    Login(const std::string& socket, const std::string& arguments, const char* user = ordinary_user,
          const std::string& service = "sshd");
    Login(const Login&) = delete;
    Login& operator=(const Login&) = delete;
    ~Login();

    int open(int flags = 0) { return pam_open_session(handle_, flags); }
    int close(int flags = 0) { return pam_close_session(handle_, flags); }
    /// Sets a PAM item. Throws std::runtime_error on failure.
    void set(int item, const std::string& value);
    /// Sets "NAME=VALUE" in the PAM environment. Throws std::runtime_error on failure.
    void put(const std::string& variable);
    [[nodiscard]] pam_handle_t* handle() const noexcept { return handle_; }

    /// Returns the messages to the user so far, each as "error: ..." or "info: ...", separated by '|'.
    [[nodiscard]] const std::string& said() const noexcept { return said_; }

  private:
    static int converse(int count, const pam_message** messages, pam_response** responses, void* login);

    TempDir dir_;
    pam_handle_t* handle_ = nullptr;
    std::string said_;
};

/// A line that the module wrote to the system log.
struct LogLine {
    int priority = 0;
    std::string text;
};

/// Returns all lines since the last clear_log().
const std::vector<LogLine>& log_lines();
void clear_log();

/// Returns true if a line of that priority contains `part`.
bool logged(int priority, std::string_view part);

/// Returns the number of open descriptors of this process.
std::size_t open_descriptors();

} // namespace sesslimit::test
