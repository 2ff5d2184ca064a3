// SPDX-License-Identifier: MIT
#include "ctl/audit/controls.hpp"

#include <algorithm>
#include <array>

namespace sesslimit::audit {
namespace {

using enum Profile;

// The requirements of DISA's STIGs for RHEL 8, 9 and 10 and Ubuntu 22.04 and 24.04, of PCI DSS 4.0, and of the CIS
// benchmarks. IDs that begin with "SRG" are requirements of DISA's General Purpose OS SRG, which apply to systems
// without a STIG. The settings that the audit checks for an SRG requirement are those in most STIGs. The STIGs of RHEL
// 10 and Ubuntu have no rule about StopIdleSessionSec. The CIS rules about sshd have a different number in each
// benchmark (rule 5.1.7 for Ubuntu 24.04 is 5.1.9 for RHEL 9). They require ClientAliveInterval and ClientAliveCountMax
// above zero, and do not require particular values.
constexpr std::array controls{
    Control{stig, "rhel", "8", "RHEL-08-020024", Check::sessions, 10},
    Control{stig, "rhel", "8", "RHEL-08-020035", Check::idle_main, 600},
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
    Control{stig, "", "", "SRG-OS-000027", Check::sessions, 10},
    Control{stig, "", "", "SRG-OS-000279", Check::idle_session, 600},
    Control{stig, "", "", "SRG-OS-000163", Check::peer_interval, 600},
    Control{stig, "", "", "SRG-OS-000163", Check::peer_count, 1},
    Control{pci, "", "", "PCI DSS 8.2.8", Check::idle_any, 900},
    Control{cis, "", "", "CIS 5.4.3.2", Check::shell_fixed, 900},
    Control{cis, "", "", "CIS sshd", Check::any_peer_interval, 15},
    Control{cis, "", "", "CIS sshd", Check::any_peer_count, 3},
    Control{cis, "", "", "CIS sshd", Check::ssh_sessions, 10},
};

bool is_of(const Control& control, std::string_view os, std::string_view version) {
    return control.os == os && (control.version == version || control.version == version.substr(0, version.find('.')));
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
    case idle_main:
        return "idle sessions end after " + value + " s";
    case shell_timeout:
        return "idle shells exit within " + value + " s";
    case shell_fixed:
        return "idle shells exit within " + value + " s, readonly";
    case idle_any:
        return "re-authenticate after " + value + " s idle";
    case peer_interval:
        return "SSH clients are probed every " + value + " s";
    case peer_count:
        return "SSH clients are dropped after " + value + " unanswered probes";
    case any_peer_interval:
        return "unresponsive SSH clients are probed";
    case any_peer_count:
        return "unresponsive SSH clients are dropped";
    case ssh_sessions:
        return "at most " + value + " sessions per connection";
    }
    return {};
}

bool applies(const Control& control, std::string_view os, std::string_view version) {
    if (!control.os.empty()) {
        return is_of(control, os, version);
    }
    return control.profile != stig || std::ranges::none_of(controls, [&](const Control& other) {
               return !other.os.empty() && is_of(other, os, version);
           });
}

} // namespace sesslimit::audit
