// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <sys/types.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// The contents of a policy as values. etc/policy.toml and sesslimit.toml(5) describe the policy language. The loader
/// (daemon/policy/load.hpp) creates the values, and resolve() (daemon/policy/resolve.hpp) evaluates them.
namespace sesslimit::policy {

/// A number of sessions.
using Count = std::uint32_t;
inline constexpr Count unlimited_count = std::numeric_limits<Count>::max();

/// The action for a login at the limit. The strictest action is first.
enum class AtLimit : std::uint8_t { deny, end_idlest, end_oldest };

/// The mode, in which decisions are carried out or only reported. The stricter mode is first.
enum class Mode : std::uint8_t { enforce, observe };

/// The kinds of activity of a session with a terminal. Input always counts. The values are in the order of strictness,
/// the strictest first.
enum class Activity : std::uint8_t { input, output, processor, output_and_processor };

/// Returns true if terminal output counts as activity.
constexpr bool counts_output(Activity what) noexcept {
    return what == Activity::output || what == Activity::output_and_processor;
}
/// Returns true if CPU time counts as activity.
constexpr bool counts_processor(Activity what) noexcept {
    return what == Activity::processor || what == Activity::output_and_processor;
}

/// The action for an idle graphical session. Every other idle session is terminated. The stricter action is first.
enum class OnIdle : std::uint8_t { end, lock };

/// The choice to preserve the server of a terminal multiplexer when an idle or expired session is terminated. The
/// stricter choice is first.
enum class KeepMultiplexer : std::uint8_t { no, yes };

/// The choice to show the limits to users at login. `yes` is the stricter choice.
enum class Announce : std::uint8_t { yes, no };

/// The author of a part of the policy: configuration management, or the administrator of the host.
enum class Tier : std::uint8_t { managed, host };

/// The source location of a value, as an index into Policy::sources. `nowhere` means that no file sets the value.
enum class SourceId : std::uint16_t { nowhere = 0xFFFF };

/// One [defaults] table or one [[rule]], for display.
struct Source {
    Tier tier = Tier::host;
    std::string rule; ///< the rule's name; empty for [defaults]
    std::string file;
    std::uint32_t line = 0; ///< line of the table's header, from 1
};

/// A value and its source location.
template <class T>
struct Setting {
    T value{};
    SourceId from = SourceId::nowhere;
    std::uint32_t line = 0; ///< line of the key itself, from 1; 0 if `from` is `nowhere`
};

/// The settings of one [defaults] or [[rule]]. A setting is absent if this table does not set it.
struct Settings {
    std::optional<Setting<Count>> max_sessions;                ///< maximum number; 0 denies every login
    std::optional<Setting<Duration>> max_duration;             ///< 1 s and more, or unlimited_duration
    std::optional<Setting<Duration>> idle_timeout;             ///< 1 s and more, or unlimited_duration
    std::optional<Setting<Duration>> idle_timeout_no_terminal; ///< 1 s and more, or unlimited_duration; if absent,
                                                               ///< idle_timeout of the same tier applies
    std::optional<Setting<Activity>> idle_activity;
    std::optional<Setting<OnIdle>> on_idle;
    std::optional<Setting<KeepMultiplexer>> keep_multiplexer;
    std::optional<Setting<Announce>> announce;
    /// Times before the end, longest first, without duplicates. Empty: no warning.
    std::optional<Setting<std::vector<Duration>>> warn_before;
    std::optional<Setting<AtLimit>> at_limit;
    std::optional<Setting<Mode>> mode;
    std::optional<Setting<std::string>> message; ///< template (daemon/policy/template.hpp); empty: the built-in text
    /// Template for the user of a terminated session. Empty: the built-in text.
    std::optional<Setting<std::string>> message_of_end;
};

struct Match; // daemon/policy/match.hpp: the `match.*` keys of a rule

/// One [[rule]].
struct Rule {
    std::shared_ptr<const Match> match; ///< never null
    Settings settings;
    /// Maximum number of sessions that match this rule, of all users together. 0 denies every login.
    std::optional<Setting<Count>> max_sessions_total;
    bool exempt = false; ///< true if the limits of the rule's own tier do not apply to matching logins
    SourceId source = SourceId::nowhere;
};

/// The part of a policy from one tier.
struct TierPolicy {
    Settings defaults;
    std::vector<Rule> rules; ///< rules in the order of the files, and within a file in their order
    /// PAM services whose sessions are admitted without being counted.
    std::optional<Setting<std::vector<std::string>>> ignore_services;
};

/// A whole policy. A default-constructed policy limits no user.
struct Policy {
    TierPolicy managed;
    TierPolicy host;
    std::vector<Source> sources; ///< indexed by SourceId
};

/// The shared limit of a rule, for the sessions of all users together. The limit counts open sessions whose Limits
/// contain a SharedLimit of the same rule. It is reached at `most` such sessions.
struct SharedLimit {
    SourceId rule = SourceId::nowhere; ///< identifies the limit while the policy is in effect
    Count most = 0;                    ///< never unlimited_count
    std::uint32_t line = 0;            ///< line of the key, from 1
    bool operator==(const SharedLimit&) const = default;
};

/// The effective limits of one login. Every setting has a value and the location that set it.
struct Limits {
    Setting<Count> max_sessions{unlimited_count};
    Setting<Duration> max_duration{unlimited_duration};
    Setting<Duration> idle_timeout{unlimited_duration};
    /// The stricter value of the two tiers. A tier that does not set idle_timeout_no_terminal uses its own
    /// idle_timeout.
    Setting<Duration> idle_timeout_no_terminal{unlimited_duration};
    Setting<Activity> idle_activity{Activity::input};
    Setting<OnIdle> on_idle{OnIdle::end};
    Setting<KeepMultiplexer> keep_multiplexer{KeepMultiplexer::no};
    Setting<Announce> announce{Announce::no};
    Setting<AtLimit> at_limit{AtLimit::deny};
    Setting<Mode> mode{Mode::enforce};
    Setting<std::string> message;        ///< text for a denied user (template.hpp); empty: the built-in text
    Setting<std::string> message_of_end; ///< text for the user of a terminated session; empty: the built-in text
    /// Shared limits, which all apply: managed tier first, then in the order of the rules.
    std::vector<SharedLimit> shared_limits;
    std::vector<Duration> warn_before; ///< union of all applicable times, longest first, without duplicates
};

} // namespace sesslimit::policy
