// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/policy_edit/effect.hpp"
#include "ctl/policy_edit/listing.hpp"
#include "daemon/policy/load.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The output of the commands set, unset, get, rules and defaults. Each text ends in a newline, or is empty. JSON is as
/// in json.hpp, and docs/schema contains the schemas.
namespace sesslimit::ctl {

/// Returns "FILE:LINE", or "FILE" if the line is 0. Escaped for display.
std::string location_text(const std::string& file, std::uint32_t line);

/// A key that set or unset has changed, or that already had the requested value.
struct SettingChange {
    policy_edit::Key key;
    std::optional<policy::Node> before; ///< absent if the key was not set in the file
    std::optional<policy::Node> after;  ///< absent if the key is not set in the file any more
    policy_edit::Effect effect;
};

/// The result of set or unset.
struct SetReport {
    enum class Reload : std::uint8_t {
        none,        ///< The daemon was not asked to reload the policy.
        done,        ///< The new policy is in effect.
        not_running, ///< The daemon is not running, and will load the policy when it starts.
        unknown,     ///< The daemon did not answer.
        rejected,    ///< The daemon did not load the policy, and the old file was restored.
    };
    std::string file;          ///< path of the changed file, unescaped
    std::string rule;          ///< name of the changed rule, unescaped; empty for [defaults]
    bool rule_removed = false; ///< true if the whole rule was removed
    bool dry_run = false;      ///< true if the file must not be written
    bool written = false;      ///< true if the file has the new contents
    Reload reload = Reload::none;
    std::string error;                     ///< reason of a failure, escaped for display; empty on success
    std::vector<policy::Problem> problems; ///< errors of all files, or warnings about the changed file
    std::vector<SettingChange> changes;
    /// Sessions that the daemon terminates earlier than under the old policy, the earliest first.
    std::vector<Session> ending_sooner;
    /// Consequences of the change that lock out the caller, as sentences without a full stop.
    std::vector<std::string> lockout;
    /// Reason why `ending_sooner` and `lockout` are not known. Empty if they are known.
    std::string sessions_unknown;
};

/// Returns the sessions of `after` that a limit terminates earlier than in `before`, the earliest first. Both are lists
/// of the daemon. Sessions whose limits are not enforced are left out.
std::vector<Session> ending_sooner(const std::vector<Session>& before, std::vector<Session> after);

/// Returns the consequences of a change of the policy that lock out the caller, as sentences. They are the termination
/// of the caller's session by max_duration within lockout_span, and the denial of another login like that of this
/// session. `before` is the list of the daemon before the change. `own` is the ID of the session, or empty. `now` is
/// the current time in microseconds since the epoch.
std::vector<std::string> lockout_of(const std::vector<Session>& before, const PolicyPreview& preview,
                                    const std::string& own, Usec now);
inline constexpr Usec lockout_span = Usec{15} * 60 * 1'000'000;

/// Returns the lines about the changed keys, their effects, and the sessions that end earlier. Does not contain the
/// error and the problems. `now` is the current time in microseconds since the epoch.
std::string set_text(const SetReport& report, Usec now);
std::string json_of(const SetReport& report, Json json);

/// Returns a table of the effective defaults, as in the output of `explain`.
std::string defaults_text(const std::vector<std::pair<std::string, policy_edit::SetValue>>& defaults,
                          const Style& style);
std::string json_of(const std::vector<std::pair<std::string, policy_edit::SetValue>>& defaults, Json json);

std::string rules_text(const std::vector<policy_edit::WrittenRule>& rules);
std::string json_of(const std::vector<policy_edit::WrittenRule>& rules, Json json);

/// Returns one line KEY=VALUE for each setting, in the form that `set` accepts.
std::string get_text(const std::vector<policy_edit::WrittenSetting>& settings);
std::string json_of(const std::vector<policy_edit::WrittenSetting>& settings, Json json);

/// Returns one entry for the journal about each changed key, as fields with their values. `requested_by` is the name of
/// the person, such as "alice (as root)", and `uid` the user ID with which the person logged in.
using JournalFields = std::vector<std::pair<std::string, std::string>>;
std::vector<JournalFields> journal_entries(const SetReport& report, const std::string& requested_by, std::uint32_t uid);

/// The message ID of these entries, which sesslimitctl(1) and the catalog of the journal list.
inline constexpr char policy_set_id[] = "9c5b7a0d1e4f4b6e8f6f2a3c0d715e20";

} // namespace sesslimit::ctl
