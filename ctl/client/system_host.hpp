// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/host.hpp"

#include <filesystem>
#include <string>

namespace sesslimit::ctl {

/// The running host, accessed through selinuxfs and the system journal.
class SystemHost final : public Host {
  public:
    struct Places {
        std::filesystem::path enforce = "/sys/fs/selinux/enforce";
        std::string journal;         ///< Directory of journal files; empty for the system journal of this host.
        unsigned max_entries = 5000; ///< Maximum number of journal entries to read, from the newest on.
    };
    SystemHost() = default;
    explicit SystemHost(Places places) : places_(std::move(places)) {}

    [[nodiscard]] Selinux selinux() override;
    /// Searches the journal for warnings of the PAM module. Reads only entries of the facility authpriv that processes
    /// of root wrote through syslog(3).
    [[nodiscard]] UncountedLogins uncounted_logins(Usec since) override;
    [[nodiscard]] bool logind_stopped_idle(const std::string& session, Usec since) override;
    [[nodiscard]] std::optional<host_config::Line> sshd_without_pam() override;
    [[nodiscard]] Caller caller() override;
    bool log(const std::vector<std::pair<std::string, std::string>>& fields) override;

  private:
    Places places_;
};

} // namespace sesslimit::ctl
