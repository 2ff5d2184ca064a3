// SPDX-License-Identifier: MIT
#include "ctl/audit/controls.hpp"

#include <algorithm>
#include <array>

namespace sesslimit::audit {
namespace {

using enum Profile;

// The requirements of DISA's STIGs for RHEL 8, 9 and 10 and Ubuntu 22.04 and 24.04, of PCI DSS 4.0, of the CIS
// benchmarks, and of ANSSI-BP-028. IDs that begin with "SRG" are requirements of DISA's General Purpose OS SRG, which
// apply to systems without a STIG. The settings that the audit checks for an SRG requirement are those in most STIGs.
// The STIGs of RHEL 10 and Ubuntu have no rule about StopIdleSessionSec. The CIS rules about sshd have a different
// number in each benchmark (rule 5.1.7 for Ubuntu 24.04 is 5.1.9 for RHEL 9). The values of the CIS and PCI controls
// are those of the profiles in ComplianceAsCode. ANSSI-NP-NT28 is omitted, because its only rules about sessions are
// those of sshd in the profiles for Debian 10 to 12, and they require ClientAliveCountMax 0. This value disables the
// disconnection of unresponsive clients.
constexpr std::array controls{
    Control{stig, "rhel", "8", "RHEL-08-020024", Check::sessions, 10},
    Control{stig, "rhel", "8", "RHEL-08-020035", Check::idle_session, 600},
    Control{stig, "rhel", "8", "RHEL-08-020360", Check::shell_timeout, 600},
    Control{stig, "rhel", "8", "RHEL-08-010201", Check::peer_interval, 600},
    Control{stig, "rhel", "8", "RHEL-08-010200", Check::peer_count, 1},
    Control{stig, "rhel", "9", "RHEL-09-412040", Check::sessions, 10},
    Control{stig, "rhel", "9", "RHEL-09-412080", Check::idle_session, 600},
    Control{stig, "rhel", "9", "RHEL-09-412035", Check::shell_timeout, 600},
    Control{stig, "rhel", "9", "RHEL-09-255100", Check::peer_interval, 600},
    Control{stig, "rhel", "9", "RHEL-09-255095", Check::peer_count, 1},
    Control{stig, "rhel", "10", "RHEL-10-600475", Check::sessions, 10},
    Control{stig, "rhel", "10", "RHEL-10-700920", Check::shell_timeout, 600},
    Control{stig, "rhel", "10", "RHEL-10-700930", Check::peer_interval, 600},
    Control{stig, "rhel", "10", "RHEL-10-700660", Check::peer_count, 1},
    Control{stig, "ubuntu", "22.04", "UBTU-22-412020", Check::sessions, 10},
    Control{stig, "ubuntu", "22.04", "UBTU-22-412030", Check::shell_timeout, 900},
    Control{stig, "ubuntu", "22.04", "UBTU-22-255035", Check::peer_interval, 600},
    Control{stig, "ubuntu", "22.04", "UBTU-22-255030", Check::peer_count, 1},
    Control{stig, "ubuntu", "24.04", "UBTU-24-200000", Check::sessions, 10},
    Control{stig, "ubuntu", "24.04", "UBTU-24-200060", Check::shell_timeout, 600},
    Control{stig, "ubuntu", "24.04", "UBTU-24-600010", Check::peer_interval, 600},
    Control{stig, "ubuntu", "24.04", "UBTU-24-600000", Check::peer_count, 1},
    Control{stig, "", "", "SRG-OS-000027", Check::sessions, 10},
    Control{stig, "", "", "SRG-OS-000279", Check::idle_session, 600},
    Control{stig, "", "", "SRG-OS-000163", Check::peer_interval, 600},
    Control{stig, "", "", "SRG-OS-000163", Check::peer_count, 1},
    Control{pci, "*", "", "PCI DSS 8.2.8", Check::idle_any, 900},
    Control{pci, "rhel", "", "PCI DSS 8.2.8", Check::peer_interval, 900},
    Control{pci, "rhel", "", "PCI DSS 8.2.8", Check::peer_count, 1},
    Control{pci, "rhel", "", "PCI DSS 8.6.1", Check::shell_timeout, 600},
    Control{pci, "rhel", "", "PCI DSS 2.2.6", Check::ssh_sessions, 10},
    Control{cis, "*", "", "CIS 5.4.3.2", Check::shell_timeout, 900},
    Control{cis, "*", "", "CIS sshd", Check::peer_interval, 300},
    Control{cis, "rhel", "", "CIS sshd", Check::peer_count, 1},
    Control{cis, "", "", "CIS sshd", Check::peer_count, 3},
    Control{cis, "*", "", "CIS sshd", Check::ssh_sessions, 10},
    Control{anssi, "*", "", "BP-028 R32", Check::idle_session, 600},
    Control{anssi, "*", "", "BP-028 R32", Check::shell_timeout, 600},
};

bool is_of(const Control& control, std::string_view os, std::string_view version) {
    return control.os == os && (control.version.empty() || control.version == version ||
                                control.version == version.substr(0, version.find('.')));
}

} // namespace

std::string_view name_of(Profile profile) {
    switch (profile) {
    case stig:
        return "stig";
    case pci:
        return "pci";
    case cis:
        return "cis";
    case anssi:
        return "anssi";
    }
    return {};
}

std::span<const Control> all_controls() {
    return controls;
}

std::string asked_for(const Control& control) {
    using enum Check;
    const std::string value = std::to_string(control.value);
    switch (control.check) {
    case sessions:
        return "at most " + value + " sessions per user";
    case idle_session:
        return "idle sessions end after " + value + " s";
    case shell_timeout:
        return "idle shells exit within " + value + " s, readonly";
    case idle_any:
        return "re-authenticate after " + value + " s idle";
    case peer_interval:
        return "SSH clients are probed every " + value + " s";
    case peer_count:
        return "SSH clients are dropped after " + value +
               (control.value == 1 ? " unanswered probe" : " unanswered probes");
    case ssh_sessions:
        return "at most " + value + " sessions per connection";
    }
    return {};
}

std::vector<const Control*> controls_for(Profile profile, std::string_view os, std::string_view version) {
    const auto is_own = [&](const Control& control) {
        return control.profile == profile && is_of(control, os, version);
    };
    std::vector<const Control*> found;
    for (const Control& control : controls) {
        // A control for other systems is replaced by any control of the STIG for this system, and otherwise by one of
        // the same kind.
        const auto replaces = [&](const Control& other) {
            return is_own(other) && (profile == stig || other.check == control.check);
        };
        if (control.profile == profile && (control.os == "*" || is_own(control) ||
                                           (control.os.empty() && std::ranges::none_of(controls, replaces)))) {
            found.push_back(&control);
        }
    }
    return found;
}

// The identifiers are those in ComplianceAsCode.
Identifiers identifiers_of(Check check) {
    static constexpr std::array<std::string_view, 1> sessions_cci{"CCI-000054"};
    static constexpr std::array<std::string_view, 1> sessions_nist{"AC-10"};
    static constexpr std::array<std::string_view, 2> idle_cci{"CCI-001133", "CCI-002361"};
    static constexpr std::array<std::string_view, 3> idle_nist{"AC-2(5)", "AC-12", "SC-10"};
    static constexpr std::array<std::string_view, 2> shell_cci{"CCI-000057", "CCI-001133"};
    static constexpr std::array<std::string_view, 2> any_nist{"AC-11", "AC-12"};
    switch (check) {
    case Check::sessions:
        return {"accounts_max_concurrent_login_sessions", sessions_cci, sessions_nist};
    case Check::idle_session:
        return {"logind_session_timeout", idle_cci, idle_nist};
    case Check::shell_timeout:
        return {"accounts_tmout", shell_cci, idle_nist};
    case Check::peer_interval:
        return {"sshd_set_idle_timeout", idle_cci, idle_nist};
    case Check::peer_count:
        return {"sshd_set_keepalive", idle_cci, idle_nist};
    case Check::ssh_sessions:
        return {"sshd_set_max_sessions", {}, {}};
    case Check::idle_any:
        return {"", {}, any_nist};
    }
    return {};
}

// The rules of ComplianceAsCode 0.1.76.
ScannerReading reading_of(std::string_view os, std::string_view version) {
    const std::string_view major = version.substr(0, version.find('.'));
    const bool rhel = os == "rhel";
    const bool old_rhel = rhel && (major == "8" || major == "7");
    return {.sshd_main_only = os == "debian" || old_rhel,
            .assigns_tmout = os == "ubuntu",
            .interval_needs_count = os == "debian" || os == "ubuntu" || (rhel && !old_rhel && major != "9")};
}

// Versions of the rule for RHEL 9 differ in the file that they read. ComplianceAsCode 0.1.83 reads logind.conf.d, and
// DISA's own rule logind.conf.
bool needs_logind_drop_in(const Control& control) {
    return control.profile == stig && control.os == "rhel" && control.version == "9";
}

} // namespace sesslimit::audit
