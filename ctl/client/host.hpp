// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"
#include "daemon/host_config/text.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sesslimit::ctl {

/// The mode of SELinux.
enum class Selinux : std::uint8_t { off, permissive, enforcing };

/// A login that the PAM module admitted without a decision of the daemon. The texts are valid UTF-8.
struct UncountedLogin {
    Usec at = 0; ///< realtime
    std::string user;
    std::string reason; ///< Reason for the missing decision, as in the section FAILURES of pam_sesslimit(8).
};

/// The logins since the time `since` that the PAM module admitted without a decision of the daemon, as found in the
/// journal.
struct UncountedLogins {
    enum class Source : std::uint8_t {
        journal, ///< Count of the entries in the journal.
        denied,  ///< No count, because the caller is not root and cannot read the journal.
        none,    ///< No count, because this host has no journal.
    };
    Source source = Source::none;
    Usec since = 0; ///< realtime
    std::uint32_t count = 0;
    bool complete = true; ///< False if entries were left unread, so that the count may be too low.
    std::optional<UncountedLogin> last{};
};

/// The person who runs sesslimitctl.
struct Caller {
    std::string name;      ///< name such as "alice", or "alice (as root)" after a change of the user; unescaped
    std::uint32_t uid = 0; ///< user ID with which the person logged in
    std::string session{}; ///< ID of the person's session in logind; empty if the process is in no session
};

/// The interface to parts of the host that the daemon does not provide, such as the mode of SELinux and the journal.
class Host {
  public:
    Host() = default;
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    virtual ~Host() = default;

    [[nodiscard]] virtual Selinux selinux() = 0;
    [[nodiscard]] virtual UncountedLogins uncounted_logins(Usec since) = 0;
    /// Returns true if logind logged since the time `since` (realtime) that it stops the session with this ID because
    /// the session is idle (StopIdleSessionSec of logind.conf(5)). Returns false if the caller cannot read the journal.
    [[nodiscard]] virtual bool logind_stopped_idle(const std::string& session, Usec since) = 0;
    /// Returns where the configuration of sshd disables PAM (host_config::sshd_without_pam()).
    [[nodiscard]] virtual std::optional<host_config::Line> sshd_without_pam() = 0;

    [[nodiscard]] virtual Caller caller() = 0;
    /// Writes an entry to the journal. Returns false if the journal does not accept it.
    virtual bool log(const std::vector<std::pair<std::string, std::string>>& fields) = 0;
};

} // namespace sesslimit::ctl
