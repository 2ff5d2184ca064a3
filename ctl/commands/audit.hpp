// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"
#include "ctl/cli/console.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/client/host.hpp"
#include "ctl/client/daemon_client.hpp"
#include "daemon/policy/load.hpp"

#include <optional>
#include <string>

namespace sesslimit::ctl {

struct AuditRequest {
    std::optional<audit::Profile> profile; ///< none: all
    std::string root = "/";                ///< what takes the place of the host's root directory
};

/// What the audit asks beside the files. Remote and Host answer for the running host only: if the root is another, they
/// are not asked.
struct AuditSources {
    policy::Names& names;
    Remote& remote;
    Host& host;
};

/// Compares the host with the controls and prints what it found. Exit::failed where one of them does not pass.
Exit audit(const AuditRequest& request, const AuditSources& sources, Console& console);

/// The report for people; ends in a newline.
std::string audit_text(const audit::Report& report, const Style& style);

/// docs/schema/audit.json.
std::string audit_json(const audit::Report& report, const audit::Native& native, Json json);

} // namespace sesslimit::ctl
