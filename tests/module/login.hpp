// SPDX-License-Identifier: MIT
#pragma once

#include "tests/module/fake_daemon.hpp"

#include <security/pam_appl.h>

#include <string>
#include <string_view>
#include <vector>

namespace sesslimit::test {

/// A user that every system has and that is not root.
inline constexpr char ordinary_user[] = "nobody";

/// What an application does: a PAM handle whose service has the built module as its only session line.
class Login {
  public:
    /// `arguments` are the module's, without socket=; `user` null: PAM is not told of one.
    Login(const std::string& socket, const std::string& arguments, const char* user = ordinary_user,
          const std::string& service = "sshd");
    Login(const Login&) = delete;
    Login& operator=(const Login&) = delete;
    ~Login();

    int open(int flags = 0) { return pam_open_session(handle_, flags); }
    int close(int flags = 0) { return pam_close_session(handle_, flags); }
    void set(int item, const std::string& value);
    void put(const std::string& variable);
    [[nodiscard]] pam_handle_t* handle() const noexcept { return handle_; }

    /// Messages to the user so far, one after the other with '|' between, each as "error: ..." or "info: ...".
    [[nodiscard]] const std::string& said() const noexcept { return said_; }

  private:
    static int converse(int count, const pam_message** messages, pam_response** responses, void* login);

    TempDir dir_;
    pam_handle_t* handle_ = nullptr;
    std::string said_;
};

/// One line that the module wrote to the system log.
struct LogLine {
    int priority = 0;
    std::string text;
};

/// All lines since the last clear_log().
const std::vector<LogLine>& log_lines();
void clear_log();

/// Whether a line of that priority has `part` in it.
bool logged(int priority, std::string_view part);

/// How many descriptors this process has open.
std::size_t open_descriptors();

} // namespace sesslimit::test
