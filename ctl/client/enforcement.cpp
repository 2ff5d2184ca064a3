// SPDX-License-Identifier: MIT
#include "ctl/client/enforcement.hpp"

#include "common/module_log.hpp"
#include "common/text.hpp"
#include "ctl/client/escaped_client.hpp"
#include "ctl/output/format.hpp"
#include "daemon/host_config/sshd_config.hpp"

#include <algorithm>
#include <chrono>

namespace sesslimit::ctl {
namespace {

constexpr std::string_view own_domain = "sesslimitd_t"; // packaging/selinux/sesslimit.te
constexpr Usec max_lookback = std::chrono::microseconds(std::chrono::hours(24)).count();
constexpr std::string_view mark = "pam_sesslimit("; // libpam's pam_syslog(3) writes MODULE(SERVICE:TYPE): TEXT

std::string last_words(const UncountedLogin& last, Usec now) {
    return "the last one of " + safe(last.user) + " at " + long_time(last.at, now) + ": " + safe(last.reason);
}

std::string number_of(const UncountedLogins& uncounted) {
    return (uncounted.complete ? "" : "at least ") + counted(uncounted.count, "login");
}

} // namespace

Enforcement enforcement(Remote& remote, Host& host, Usec now) {
    const DaemonProcess process = remote.process();
    const Usec earliest = now - std::min(now, max_lookback);
    const Usec since = std::max(std::min(process.started, now), earliest);
    Enforcement found{host.selinux(), domain_of(process.label), host.uncounted_logins(since)};
    if (const auto sessions = remote.list()) {
        found.without_logind = static_cast<std::size_t>(std::ranges::count_if(
            *sessions, [](const Session& session) { return session.state == "active" && session.scope.empty(); }));
    }
    return found;
}

std::string domain_of(std::string_view label) {
    label = label.substr(0, label.find_first_of(std::string_view("\0\n", 2)));
    for (int part = 0; part < 2; ++part) {
        const std::size_t colon = label.find(':');
        if (colon == std::string_view::npos) {
            return {};
        }
        label.remove_prefix(colon + 1);
    }
    return escape_for_display(label.substr(0, label.find(':')));
}

std::optional<UncountedLogin> parse_uncounted(std::string_view message) {
    const std::string between = std::string(" ") + admitted_uncounted + ": ";
    const std::size_t user = message.find("): ");
    const std::size_t phrase = message.find(between);
    if (!message.starts_with(mark) || user == std::string_view::npos || phrase == std::string_view::npos ||
        phrase < user + 3) {
        return std::nullopt;
    }
    return UncountedLogin{.at = 0,
                          .user = as_utf8(message.substr(user + 3, phrase - user - 3)),
                          .reason = as_utf8(message.substr(phrase + between.size()))};
}

std::string_view name_of(Selinux selinux) {
    switch (selinux) {
    case Selinux::off:
        return "off";
    case Selinux::permissive:
        return "permissive";
    case Selinux::enforcing:
        return "enforcing";
    }
    return {};
}

std::string selinux_words(const Enforcement& enforcement) {
    std::string text(name_of(enforcement.selinux));
    if (enforcement.selinux == Selinux::off) {
        return text;
    }
    return enforcement.domain.empty() ? text + ", domain of sesslimitd unknown"
                                      : text + ", sesslimitd runs as " + enforcement.domain;
}

std::string uncounted_words(const UncountedLogins& uncounted, Usec now) {
    switch (uncounted.source) {
    case UncountedLogins::Source::denied:
        return "unknown (reading the journal requires root or group systemd-journal)";
    case UncountedLogins::Source::none:
        return "unknown (no journal available)";
    case UncountedLogins::Source::journal:
        break;
    }
    const std::string since = " since " + long_time(uncounted.since, now);
    if (uncounted.last) {
        return number_of(uncounted) + since + ", " + last_words(*uncounted.last, now);
    }
    return uncounted.complete ? "no login" + since : "none found" + since + ", but not all journal entries were read";
}

std::optional<std::string> selinux_warning(const Enforcement& enforcement) {
    const std::string& domain = enforcement.domain;
    if (enforcement.selinux != Selinux::enforcing || domain.empty() || domain == own_domain) {
        return std::nullopt;
    }
    return "SELinux is enforcing and sesslimitd runs in the domain " + domain + " instead of " +
           std::string(own_domain) +
           ". SELinux may prevent login programs from connecting to sesslimitd. "
           "Install the package sesslimit-selinux or load its policy module, then run "
           "'restorecon -v /usr/sbin/sesslimitd' and 'systemctl restart sesslimitd.socket sesslimitd'.";
}

std::vector<std::string> warnings_of(const Enforcement& enforcement, Usec now) {
    std::vector<std::string> warnings;
    if (const auto warning = selinux_warning(enforcement)) {
        warnings.push_back(*warning);
    }
    if (enforcement.sshd_without_pam) {
        warnings.push_back(host_config::sshd_without_pam_text(*enforcement.sshd_without_pam));
    }
    if (enforcement.without_logind > 0) {
        warnings.push_back("logind has no session for " + counted(enforcement.without_logind, "open session") +
                           ", which is terminated only by signals to its login process and the children of that "
                           "process. Add pam_systemd.so to the PAM services of the sessions, after pam_sesslimit.so. "
                           "See 'sesslimitctl audit' and pam_sesslimit(8).");
    }
    const UncountedLogins& uncounted = enforcement.uncounted;
    if (uncounted.last) {
        warnings.push_back(number_of(uncounted) + (uncounted.count == 1 ? " was" : " were") +
                           " admitted without being counted since " + long_time(uncounted.since, now) + ", " +
                           last_words(*uncounted.last, now) +
                           ". The section FAILURES of pam_sesslimit(8) explains the reasons. "
                           "See also 'systemctl status sesslimitd' and "
                           "'journalctl -g \"pam_sesslimit.*" +
                           admitted_uncounted + "\"'" +
                           (enforcement.selinux == Selinux::enforcing ? " and 'ausearch -m AVC -ts recent'." : "."));
    }
    return warnings;
}

} // namespace sesslimit::ctl
