// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/drop_in.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/client/host.hpp"
#include "ctl/output/settings.hpp"
#include "daemon/policy/load.hpp"

#include <expected>
#include <optional>
#include <string>
#include <vector>

/// The steps that the commands set, unset and edit share: the check of the complete policy, the replacement of the file
/// policy.d/90-set.toml, the reload of the daemon, and the entries in the journal.
namespace sesslimit::ctl {

/// First lines of a new file.
inline constexpr char new_drop_in[] =
    "# Settings that \"sesslimitctl set\" has made. See sesslimitctl(1).\nversion = 1\n";

/// The interfaces that set, unset and edit use.
struct SetTools {
    policy::Names& names;
    Remote& remote;
    Host& host;
};

/// The reason why a command stops, with its exit status.
struct Stop {
    Exit exit = Exit::failed;
    std::string what; ///< escaped for display
};

template <class T = void>
using Step = std::expected<T, Stop>;

std::unexpected<Stop> stop(std::string what, Exit exit = Exit::failed);
/// The exit status is Exit::not_allowed if the caller lacks a permission.
std::unexpected<Stop> stop(const Error& error);

/// Warns the user if a change would lock out the caller, and asks for confirmation if the console can ask. Returns
/// false if the user declines the change.
bool confirm(const SetReport& report, Console& console);

/// A change of the drop-in in one policy directory.
class DropInChange {
  public:
    /// `reload` is true if the daemon reads this directory. Lifetime: `tools` must outlive the object.
    DropInChange(const std::string& directory, bool reload, const SetTools& tools)
        : directory_(directory), file_(DropIn::path_in(directory)), reload_(reload), tools_(tools) {}

    [[nodiscard]] const std::string& directory() const { return directory_; }
    [[nodiscard]] const std::string& file() const { return file_; }

    /// Reads all files of the policy except the drop-in.
    [[nodiscard]] policy::ReadTexts other_texts() const;

    /// Loads the policy that consists of the other files and of a drop-in with this text. nullopt means that there is
    /// no drop-in. Stores the errors of all files in `problems`, or the warnings about the drop-in if there are no
    /// errors. Stops if the policy has an error.
    Step<policy::Policy> load(policy::ReadTexts others, const std::optional<std::string>& text,
                              std::vector<policy::Problem>& problems) const;

    /// Determines the effect of a new text on open sessions and on the caller. Sets the fields ending_sooner, lockout
    /// and sessions_unknown of the report. `now` is the current time in microseconds since the epoch.
    void preview(const std::string& text, SetReport& report, Usec now) const;

    /// Replaces the file, and lets the daemon load it. Restores the old file if the daemon has not loaded the new one
    /// for certain. Sets the fields written, reload and ending_sooner of the report.
    Step<> install(DropIn& drop_in, const std::string& text, SetReport& report) const;

    /// Logs a change to the journal, if the file is part of the policy of the daemon. Returns false if the journal does
    /// not accept the entries.
    [[nodiscard]] bool log(const SetReport& report) const;

  private:
    Step<> reload(DropIn& drop_in, SetReport& report) const;
    static Step<> restore(DropIn& drop_in, const Failure& failure, SetReport& report);

    std::string directory_;
    std::string file_;
    bool reload_;
    const SetTools& tools_;
};

} // namespace sesslimit::ctl
