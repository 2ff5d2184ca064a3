// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"
#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/client/host.hpp"
#include "daemon/policy/load.hpp"

#include <optional>
#include <string>

namespace sesslimit::ctl {

/// The options of the audit command.
struct AuditRequest {
    std::optional<audit::Profile> profile; ///< absent: all profiles
    std::string root = "/";                ///< directory used as the host's root directory
};

/// The sources of the audit other than files. Remote and Host describe the running host. They are queried only if
/// `root` is the host's own root directory.
struct AuditSources {
    policy::Names& names;
    Remote& remote;
    Host& host;
};

/// Compares the host with the controls and prints the results. Returns Exit::failed if a control does not pass.
Exit audit(const AuditRequest& request, const AuditSources& sources, Console& console);

/// Returns the report for human readers. It ends in a newline.
std::string audit_text(const audit::Report& report, const Style& style);

/// Returns the report as JSON in the schema of docs/schema/audit.json.
std::string audit_json(const audit::Report& report, const audit::Native& native, Json json);

} // namespace sesslimit::ctl
