// SPDX-License-Identifier: MIT
#include "daemon/inspect/termination_preview.hpp"

#include "daemon/inspect/kept_programs.hpp"
#include "daemon/inspect/processes.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>

namespace sesslimit::inspect {
namespace {

namespace fs = std::filesystem;

/// Bounds of the search for units of a user, which are the maximum number of directory entries that are read, and the
/// maximum depth of directories. The bounds are needed because a user may create any number of control groups below the
/// user's service manager.
constexpr std::size_t max_entries = 1000;
constexpr int deepest = 8;

using Names = std::set<std::string>;

std::vector<std::string> told(const Names& names) {
    return {names.begin(),
            std::next(names.begin(), static_cast<Names::difference_type>(std::min(names.size(), max_listed)))};
}

void add_names(Names& names, const std::vector<Process>& processes) {
    for (const Process& process : processes) {
        names.insert(process.command);
    }
}

/// Returns true if the control group or any group below it has processes, according to its file cgroup.events
/// (Documentation/admin-guide/cgroup-v2.rst).
bool is_populated(const fs::path& group) {
    std::ifstream events(group / "cgroup.events");
    for (std::string line; std::getline(events, line);) {
        if (line == "populated 1") {
            return true;
        }
    }
    return false;
}

/// Adds the names of all services and scopes with processes below `manager`, the control group of the user's service
/// manager. The service manager itself is in init.scope, which is omitted.
void add_units(Names& units, const fs::path& manager) {
    std::error_code error;
    fs::recursive_directory_iterator entry(manager, error);
    for (std::size_t seen = 0; !error && entry != fs::end(entry) && seen < max_entries; ++seen) {
        const std::string name = entry->path().filename();
        const bool is_unit = name.ends_with(".service") || name.ends_with(".scope");
        if (is_unit && name != "init.scope" && is_populated(entry->path())) {
            units.insert(name);
        }
        if (is_unit || entry.depth() >= deepest) {
            entry.disable_recursion_pending();
        }
        entry.increment(error);
    }
}

void add_kept_scopes(Names& units, const fs::path& slice) {
    std::error_code error;
    fs::directory_iterator entry(slice, error);
    for (std::size_t seen = 0; !error && entry != fs::end(entry) && seen < max_entries; ++seen) {
        const std::string name = entry->path().filename();
        if (name.starts_with(kept_prefix) && name.ends_with(".scope") && is_populated(entry->path())) {
            units.insert(name);
        }
        entry.increment(error);
    }
}

} // namespace

TerminationPreview termination_preview_of(const core::Session& session, const std::vector<std::string>& keep,
                                          const SysPaths& roots) {
    TerminationPreview reach;
    const std::vector<Process> processes = processes_of(session, roots).value_or(std::vector<Process>{});
    const KeptPrograms programs = kept_programs_among(processes, keep);
    Names commands;
    Names kept;
    add_names(commands, processes);
    add_names(kept, programs.servers);
    add_names(kept, programs.others);
    reach.processes = processes.size();
    reach.commands = told(commands);
    reach.kept = told(kept);
    const fs::path slice = slice_of(session.login.uid, roots);
    Names units;
    add_units(units, slice / ("user@" + std::to_string(session.login.uid) + ".service"));
    add_kept_scopes(units, slice);
    reach.units = told(units);
    std::error_code error;
    reach.lingers = is_unit_name(session.login.user) && fs::exists(roots.linger / session.login.user, error);
    return reach;
}

} // namespace sesslimit::inspect
