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

/// The options of the command `sesslimitctl audit`.
struct AuditRequest {
    std::optional<audit::Profile> profile; ///< Compliance profile to check; absent for all profiles.
    std::string root = "/";                ///< Directory used as the host's root directory.
};

/// The sources of the audit other than configuration files. `remote` (the daemon) and `host` describe the running host,
/// and are not queried if the audit is for another root directory.
struct AuditSources {
    policy::Names& names;
    Remote& remote;
    Host& host;
};

/// Compares the settings of the host with the controls of compliance profiles and prints the results. Returns
/// Exit::failed if the host does not fulfill a control.
Exit audit(const AuditRequest& request, const AuditSources& sources, Console& console);

/// Returns the report of an audit for human readers. The text ends in a newline.
std::string audit_text(const audit::Report& report, const Style& style);

/// Returns the report of an audit as JSON in the schema of docs/schema/audit.json.
std::string audit_json(const audit::Report& report, const audit::Native& native, Json json);

} // namespace sesslimit::ctl
