// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"
#include "ctl/client/host.hpp"
#include "daemon/host_config/text.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Functions that detect that the policy is not enforced although the daemon runs. The signs are an SELinux policy that
/// may prevent login programs from connecting to the daemon, logins that the PAM module admitted without a decision of
/// the daemon, sessions that logind does not have, and an sshd that does not use PAM. The functions are pure, except
/// that they query the interfaces Remote and Host.
namespace sesslimit::ctl {

/// The facts that show whether the policy is enforced on this host.
struct Enforcement {
    Selinux selinux = Selinux::off;
    std::string domain; ///< SELinux type of the daemon's process; empty if unknown.
    UncountedLogins uncounted;
    std::size_t without_logind = 0; ///< Number of open sessions that logind does not have.
    /// Present if sshd does not use PAM (host_config::sshd_without_pam()).
    std::optional<host_config::Line> sshd_without_pam{};
};

/// Queries the daemon (`remote`) and the host for signs that the policy is not enforced. Counts the logins that the PAM
/// module admitted without a decision of the daemon. Counts only logins since the start of the daemon and within the
/// last 24 hours. The caller must set the field `sshd_without_pam`.
Enforcement enforcement(Remote& remote, Host& host, Usec now);

/// Returns the type in an SELinux context, such as "sesslimitd_t" in "system_u:system_r:sesslimitd_t:s0". Returns an
/// empty text if the context has no type. The result is escaped for display.
std::string domain_of(std::string_view label);

/// Parses a journal message. Returns the user and the reason if the PAM module reports a login that it admitted without
/// a decision of the daemon. Returns nullopt for any other message. The caller must set the field `at`, which is the
/// time of the message.
std::optional<UncountedLogin> parse_uncounted(std::string_view message);

/// Returns "off", "permissive" or "enforcing".
std::string_view name_of(Selinux selinux);

/// Describes the mode of SELinux and the domain of the daemon, such as "enforcing, sesslimitd runs as sesslimitd_t".
std::string selinux_words(const Enforcement& enforcement);

/// Describes the number of logins that were admitted without a decision of the daemon: "no login since ...", "3 logins
/// since ..., the last at ..." or "unknown (...)".
std::string uncounted_words(const UncountedLogins& uncounted, Usec now);

/// Returns a warning if SELinux may block logins, with instructions to fix the problem. The text is escaped for
/// display.
std::optional<std::string> selinux_warning(const Enforcement& enforcement);

/// Returns warnings about all signs that the policy is not enforced, with instructions to fix the problems. The texts
/// are escaped for display.
std::vector<std::string> warnings_of(const Enforcement& enforcement, Usec now);

} // namespace sesslimit::ctl
