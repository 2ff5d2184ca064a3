// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"

#include <optional>
#include <string_view>

namespace sesslimit::inspect {

/// Returns the value of usage_usec in the text of a control group's file cpu.stat
/// (Documentation/admin-guide/cgroup-v2.rst). Returns nothing if the line of usage_usec is missing or truncated.
std::optional<Duration> processor_time_in(std::string_view cpu_stat) noexcept;

/// Returns the user and system CPU time of all processes in the session's scope since the creation of the scope. The
/// time of exited processes is included, so the value never decreases. Processes in another control group, such as a
/// user's own services, are not included. The kernel provides the value for every group of the unified hierarchy, with
/// or without the cpu controller. Without a scope, returns the CPU time of the session's processes (processes.hpp),
/// which decreases if processes exit. Returns nothing if the scope or the leader no longer exists. Errors: EMFILE,
/// ENFILE, ENOMEM (kernel_file.hpp).
Result<std::optional<Duration>> processor_time_of(const core::Session& session, const SysPaths& roots = host_paths);

} // namespace sesslimit::inspect
