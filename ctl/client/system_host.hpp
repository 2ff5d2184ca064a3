// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/host.hpp"

#include <filesystem>
#include <string>

namespace sesslimit::ctl {

/// The host, accessed by selinuxfs and the system journal.
class SystemHost final : public Host {
  public:
    struct Places {
        std::filesystem::path enforce = "/sys/fs/selinux/enforce";
        std::string journal;         ///< directory of journal files; empty: the system journal of this host
        unsigned max_entries = 5000; ///< maximum number of journal entries that are read, the newest first
    };
    SystemHost() = default;
    explicit SystemHost(Places places) : places_(std::move(places)) {}

    [[nodiscard]] Selinux selinux() override;
    /// Reads warnings of the facility authpriv that processes of root wrote through syslog(3).
    [[nodiscard]] UncountedLogins uncounted_logins(Usec since) override;

  private:
    Places places_;
};

} // namespace sesslimit::ctl
