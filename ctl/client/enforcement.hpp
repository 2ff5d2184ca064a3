// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"
#include "ctl/client/host.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What keeps the policy from being enforced although the daemon runs: SELinux denies logins the way to it, or logins
/// did not reach it. Pure but for the two seams that are asked.
namespace sesslimit::ctl {

struct Enforcement {
    Selinux selinux = Selinux::off;
    std::string domain; ///< the SELinux type of the daemon's process; empty: not known
    UncountedLogins uncounted;
};

/// Check both. Uncounted logins are those since the start of the daemon, and of the last 24 hours at most.
Enforcement enforcement(Remote& remote, Host& host, Usec now);

/// Returns the type in a security context, "sesslimitd_t" of "system_u:system_r:sesslimitd_t:s0"; empty if it has none.
/// Safe to show.
std::string domain_of(std::string_view label);

/// Returns the user and the reason in a message of the journal if it is the module's about an uncounted login. `at` is
/// left to the caller.
std::optional<UncountedLogin> parse_uncounted(std::string_view message);

/// "off", "permissive", "enforcing".
std::string_view name_of(Selinux selinux);

/// "enforcing, sesslimitd runs as sesslimitd_t".
std::string selinux_words(const Enforcement& enforcement);

/// "no login since ...", "3 logins since ..., the last at ...", "unknown (...)".
std::string uncounted_words(const UncountedLogins& uncounted, Usec now);

/// Sentences about what is wrong, with what to do; safe to show.
std::optional<std::string> selinux_warning(const Enforcement& enforcement);
std::vector<std::string> warnings_of(const Enforcement& enforcement, Usec now);

} // namespace sesslimit::ctl
