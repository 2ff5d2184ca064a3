// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"

#include <optional>
#include <string_view>

namespace sesslimit::inspect {

/// Returns usage_usec from the text of a cpu.stat file (Documentation/admin-guide/cgroup-v2.rst). Returns nothing if
/// the line is missing or truncated.
std::optional<Duration> processor_time_in(std::string_view cpu_stat) noexcept;

/// Returns the CPU time, user and system, that all processes in the session's scope have used since the scope was
/// created. Exited processes are still included, so the value never decreases. Processes that were moved elsewhere (a
/// user's own services) count where they are. The kernel provides it for every group of the unified hierarchy, with or
/// without the cpu controller. Returns nothing if the scope does not exist yet or no longer exists.
/// Errors: EMFILE, ENFILE, ENOMEM (kernel_file.hpp).
Result<std::optional<Duration>> processor_time_of(const core::Session& session, const SysPaths& roots = {});

} // namespace sesslimit::inspect
