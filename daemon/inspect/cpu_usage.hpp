// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"

#include <optional>
#include <string_view>

namespace sesslimit::inspect {

/// usage_usec of the text of a cpu.stat file (Documentation/admin-guide/cgroup-v2.rst). Nothing where it has no such
/// line, or one that is cut.
std::optional<Duration> processor_time_in(std::string_view cpu_stat) noexcept;

/// CPU time, of users and kernel, that everything in the session's scope has used since the scope was made: what has
/// ended there counts on, so it never falls. Processes that were moved elsewhere (a user's own services) count where
/// they are. The kernel keeps it for every group of the unified hierarchy, with the cpu controller or without.
/// Nothing: it has no scope yet, or no longer. Fails where nobody can tell (kernel_file.hpp).
Result<std::optional<Duration>> processor_time_of(const core::Session& session, const SysPaths& roots = {});

} // namespace sesslimit::inspect
