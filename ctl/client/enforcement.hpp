// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"
#include "ctl/client/host.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reasons why the policy is not enforced although the daemon runs. SELinux may deny login programs the connection to
/// the daemon, or logins did not reach the daemon. Pure except for the two interfaces that are queried.
namespace sesslimit::ctl {

/// The state of enforcement on this host.
struct Enforcement {
    Selinux selinux = Selinux::off;
    std::string domain; ///< SELinux type of the daemon's process; empty if unknown
    UncountedLogins uncounted;
};

/// Queries `remote` and `host`. Counts uncounted logins since the start of the daemon, but at most those of the last 24
/// hours.
Enforcement enforcement(Remote& remote, Host& host, Usec now);

/// Returns the type in a security context, "sesslimitd_t" of "system_u:system_r:sesslimitd_t:s0". Returns an empty text
/// if the context has no type. The result is escaped for display.
std::string domain_of(std::string_view label);

/// Returns the user and the reason from a journal message if it is the module's message about an uncounted login. The
/// caller sets `at`.
std::optional<UncountedLogin> parse_uncounted(std::string_view message);

/// Returns "off", "permissive" or "enforcing".
std::string_view name_of(Selinux selinux);

/// Returns a text such as "enforcing, sesslimitd runs as sesslimitd_t".
std::string selinux_words(const Enforcement& enforcement);

/// Returns "no login since ...", "3 logins since ..., the last at ..." or "unknown (...)".
std::string uncounted_words(const UncountedLogins& uncounted, Usec now);

/// Return sentences about problems and how to fix them, escaped for display.
std::optional<std::string> selinux_warning(const Enforcement& enforcement);
std::vector<std::string> warnings_of(const Enforcement& enforcement, Usec now);

} // namespace sesslimit::ctl
