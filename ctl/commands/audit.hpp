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
#include <string_view>
#include <utility>
#include <vector>

namespace sesslimit::ctl {

/// A limit that the policy of sesslimit must enforce for ordinary users.
struct RequiredLimit {
    audit::Check check = audit::Check::sessions; ///< sessions or idle_session
    unsigned value = 0;                          ///< Number of sessions, or time in seconds.
};

/// Parses a limit such as "max_sessions=10" or "idle_timeout=15min". Returns nullopt if the key or the value is
/// invalid.
std::optional<RequiredLimit> parse_required_limit(std::string_view text);

/// The options of the command `sesslimitctl audit`.
struct AuditRequest {
    std::optional<audit::Profile> profile; ///< Compliance profile to check; absent for all profiles.
    std::string root = "/";                ///< Directory used as the host's root directory.
    std::optional<RequiredLimit> required; ///< Limit to check instead of compliance profiles.
};

/// The policy files of sesslimit as evidence.
struct PolicyEvidence {
    bool valid = false; ///< False if the files contain errors.
    std::string digest; ///< SHA-256 of the output of sha256sum(1) for the files in this order.
    std::vector<std::pair<std::string, std::string>> files; ///< Path and SHA-256 of each file, in hexadecimal digits.
};

/// The state of the running daemon. `status` is absent if the daemon is not running or does not answer.
struct DaemonEvidence {
    std::optional<Status> status;
};

/// The circumstances of an audit, which make its output evidence for an auditor.
struct AuditEvidence {
    std::string host;       ///< Name of the host.
    Usec time = 0;          ///< realtime
    std::string os;         ///< Native::os
    std::string os_version; ///< Native::version
    PolicyEvidence policy;
    std::optional<DaemonEvidence> daemon; ///< Absent if the audit is not for the running host.
};

/// The sources of the audit other than configuration files. `remote` (the daemon) and `host` describe the running host,
/// and are not queried if the audit is for another root directory.
struct AuditSources {
    policy::Names& names;
    Remote& remote;
    Host& host;
};

/// Compares the settings of the host with the controls of compliance profiles and prints the results. If the request
/// contains a limit, checks instead whether sesslimit enforces this limit, which requires a running daemon. Returns
/// Exit::failed if a control does not pass or is not in force.
Exit audit(const AuditRequest& request, const AuditSources& sources, Console& console);

/// Returns the report of an audit for human readers. The text ends in a newline.
std::string audit_text(const audit::Report& report, const Style& style);

/// Returns the report of an audit as JSON in the schema of docs/schema/audit.json.
std::string audit_json(const audit::Report& report, const AuditEvidence& evidence, Json json);

} // namespace sesslimit::ctl
