// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/audit/audit.hpp"
#include "ctl/console.hpp"
#include "ctl/failure.hpp"
#include "daemon/policy/load.hpp"

#include <optional>
#include <string>

namespace sesslimit::ctl {

struct AuditRequest {
    std::optional<audit::Profile> profile; ///< none: all
    std::string root = "/";                ///< what takes the place of the host's root directory
};

/// Compares the host with the controls and prints what it found. Exit::failed where one of them does not pass.
Exit audit(const AuditRequest& request, policy::Names& names, Console& console);

/// The report for people; ends in a newline.
std::string audit_text(const audit::Report& report, const Style& style);

/// docs/schema/audit.json.
std::string audit_json(const audit::Report& report, const audit::Native& native, Json json);

} // namespace sesslimit::ctl
