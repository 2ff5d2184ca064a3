// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

/// A policy in memory. etc/policy.toml and sesslimit.toml(5) describe the language of the policy files. load()
/// (daemon/policy/load.hpp) creates a policy from the files, and resolve() (daemon/policy/resolve.hpp) determines the
/// limits of a login from it.
namespace sesslimit::policy {

/// A number of sessions.
using Count = std::uint32_t;
inline constexpr Count unlimited_count = std::numeric_limits<Count>::max();
/// Maximum value of max_sessions_fleet.
inline constexpr Count max_fleet_limit = 1000;

/// The setting at_limit, which is the action for a new login of a user who already has max_sessions sessions. The
/// values are ordered from the strictest to the least strict.
enum class AtLimit : std::uint8_t { deny, end_idlest, end_oldest };

/// The setting displace_idle. With at_limit = "end-idlest" or "end-oldest", a login displaces only sessions that have
/// been idle for at least this time. 0 s, or at least 1 s. Longer times are stricter, because they deny more logins.
struct DisplaceIdle {
    Duration time{};
    friend constexpr bool operator<(DisplaceIdle one, DisplaceIdle other) noexcept { return one.time > other.time; }
};

/// The setting `mode`. In mode enforce, the daemon enforces limits. In mode observe, it only logs which logins it would
/// deny and which sessions it would terminate. `enforce` is the stricter value and is first.
enum class Mode : std::uint8_t { enforce, observe };

/// The setting idle_activity, which lists the kinds of activity that keep a session with a terminal from being idle.
/// Input is always in the list. If several tables set it, a kind must be in each of their lists.
struct Activity {
    /// Data on the connections of the session: TCP connections of its processes, and channels without a terminal of its
    /// ssh connection.
    bool network = false;
    /// Output on the terminals.
    bool output = false;
    /// CPU time of the processes.
    bool processor = false;
    bool operator==(const Activity&) const = default;
};

/// The setting on_idle. An idle graphical session is terminated (`end`) or its screen is locked (`lock`). Idle sessions
/// of other types are always terminated. `end` is the stricter value and is first.
enum class OnIdle : std::uint8_t { end, lock };

/// The setting keep, which lists programs that continue to run after their session is terminated, unless the
/// termination was requested. If several tables set it, a program must be in each of their lists.
struct Keep {
    /// Names without duplicates, at most max_programs. Each has 1 to max_name_length bytes.
    std::vector<std::string> programs;

    static constexpr std::size_t max_programs = 32;
    /// Maximum length of a name in bytes, which is that of a process name in the kernel (TASK_COMM_LEN).
    static constexpr std::size_t max_name_length = 15;
};

/// The setting announce. `yes` means that a user is informed at login about the limits that will terminate the session.
/// `yes` is the stricter value and is first.
enum class Announce : std::uint8_t { yes, no };

/// The setting quiet. `yes` means that the PAM module shows no text to the user, neither the reason of a denial nor the
/// announcement of the limits. `yes` is the stricter value and is first.
enum class Quiet : std::uint8_t { yes, no };

/// The setting count_left_behind. `yes` means that a session whose processes still run after the logout counts as a
/// session of its user. `yes` is the stricter value and is first.
enum class CountLeftBehind : std::uint8_t { yes, no };

/// The setting limit_left_behind. `yes` means that max_duration and the idle limits apply to each session whose
/// processes still run after the logout. `no` means that they apply only if the session is used by mosh. `yes` is the
/// stricter value and is first.
enum class LimitLeftBehind : std::uint8_t { yes, no };

/// The setting on_fleet_error, which decides about a login under max_sessions_fleet if the fleet does not answer. With
/// `local`, this host compares the limit with its own sessions. `deny` is the stricter value and is first.
enum class OnFleetError : std::uint8_t { deny, local };

/// A setting whose values are true (`yes`) and false (`no`).
template <class T>
concept Truth = std::is_enum_v<T> && requires {
    T::yes;
    T::no;
};

/// A tier, which is one of the two parts of a policy. The managed tier (managed.d) is written by configuration
/// management, and the host tier (policy.toml and policy.d) by the administrator of the host.
enum class Tier : std::uint8_t { managed, host };

/// The table in the policy files that sets a value, as an index into Policy::sources. `nowhere` means that no file sets
/// the value.
enum class SourceId : std::uint16_t { nowhere = 0xFFFF };

/// The tier, name, file and line of a [defaults] or [[rule]] table in the policy files, for display.
struct Source {
    Tier tier = Tier::host;
    std::string rule; ///< name of the rule; empty for a [defaults] table
    std::string file;
    std::uint32_t line = 0; ///< line number of the table's header, from 1
};

/// The line of a policy file that sets a value. The file is empty if no file sets the value.
struct Location {
    std::string file;
    std::uint32_t line = 0; ///< from 1
    bool operator==(const Location&) const = default;
};

/// The value of a setting, with the table and line of the policy file that sets it.
template <class T>
struct Setting {
    T value{};
    SourceId from = SourceId::nowhere;
    std::uint32_t line = 0; ///< line number of the key, from 1; 0 if no file sets the value
};

/// The settings that a [defaults] or [[rule]] table may contain. `Of<T>` is the type of the member for a setting with
/// values of type T. for_each_setting() lists the keys. A new setting is a member of this type and of Limits, and a
/// line in for_each_setting(). A new type of values also needs read_value() in read_settings.cpp and text() in
/// explain.cpp.
template <template <class> class Of>
struct SettingsOf {
    /// Maximum number of concurrent sessions of a user. 0 denies every login.
    Of<Count> max_sessions{};
    /// Maximum number of concurrent sessions of a user on all hosts of the fleet. 1 to max_fleet_limit, or
    /// unlimited_count.
    Of<Count> max_sessions_fleet{};
    Of<OnFleetError> on_fleet_error{};
    /// Maximum duration of a session. At least 1 s, or unlimited_duration.
    Of<Duration> max_duration{};
    /// Time without activity after which a session is idle. At least 1 s, or unlimited_duration.
    Of<Duration> idle_timeout{};
    /// Idle timeout of sessions that have no terminal and are not graphical. At least 1 s, or unlimited_duration. If
    /// absent, idle_timeout of the same tier, managed or host, applies.
    Of<Duration> idle_timeout_no_terminal{};
    Of<Activity> idle_activity{};
    Of<OnIdle> on_idle{};
    Of<Keep> keep{};
    Of<CountLeftBehind> count_left_behind{};
    Of<LimitLeftBehind> limit_left_behind{};
    /// Times before the termination of a session at which its user is warned, longest first, without duplicates. If
    /// empty, the user is not warned.
    Of<std::vector<Duration>> warn_before{};
    Of<AtLimit> at_limit{};
    Of<DisplaceIdle> displace_idle{};
    Of<Mode> mode{};
    /// Template (daemon/policy/template.hpp) of the message that a user sees when a login is denied. If empty, the
    /// built-in text is used.
    Of<std::string> message{};
    Of<Announce> announce{};
    Of<Quiet> quiet{};
    /// Template (daemon/policy/template.hpp) of the message that a user sees when a session is terminated. If empty,
    /// the built-in text is used.
    Of<std::string> message_of_end{};
};

template <class T>
using OptionalSetting = std::optional<Setting<T>>;

/// The settings of one [defaults] or [[rule]] table of the policy. A setting is absent if the table does not set it.
using Settings = SettingsOf<OptionalSetting>;

struct Match; // daemon/policy/match.hpp

/// One [[rule]].
struct Rule {
    std::shared_ptr<const Match> match; ///< never null
    Settings settings;
    /// Maximum number of concurrent sessions that match this rule. The sessions of all users count together. If it is
    /// 0, every login that matches the rule is denied.
    std::optional<Setting<Count>> max_sessions_total;
    /// True if logins that match this rule are exempt from all settings of the rule's tier, managed or host.
    bool exempt = false;
    SourceId source = SourceId::nowhere;
};

/// One of the two parts of a policy, which are named tiers. The managed tier consists of the files in managed.d, and
/// the host tier of policy.toml and the files in policy.d.
struct TierPolicy {
    Settings defaults;
    /// The rules of all files of the tier, in the order of the files and of their lines.
    std::vector<Rule> rules;
    /// PAM services whose logins are admitted without being counted as sessions. Absent if no file of the tier sets
    /// ignore_services.
    std::optional<Setting<std::vector<std::string>>> ignore_services;
};

/// A whole policy. A default-constructed policy does not limit any user.
struct Policy {
    TierPolicy managed;
    TierPolicy host;
    std::vector<Source> sources; ///< indexed by SourceId
};

/// The shared limit of a rule (max_sessions_total), which applies to the sessions of all users together. An open
/// session counts towards the limit if its Limits contain a SharedLimit with the same `rule`. The limit is reached when
/// `most` sessions count towards it.
struct SharedLimit {
    /// The rule that sets the shared limit, as an index into Policy::sources. The index identifies the shared limit as
    /// long as the policy is in effect.
    SourceId rule = SourceId::nowhere;
    /// Maximum number of sessions, never unlimited_count.
    Count most = 0;
    /// Line number of the key max_sessions_total in its file, from 1.
    std::uint32_t line = 0;
    bool operator==(const SharedLimit&) const = default;
};

/// The effective limits of one login, which result from [defaults] and all rules of the policy that match the login.
/// Every setting has a value, with the policy table and line that set it.
struct Limits {
    Setting<Count> max_sessions{unlimited_count};
    Setting<Count> max_sessions_fleet{unlimited_count};
    Setting<OnFleetError> on_fleet_error{OnFleetError::local};
    Setting<Duration> max_duration{unlimited_duration};
    Setting<Duration> idle_timeout{unlimited_duration};
    /// The effective idle_timeout_no_terminal, which is the stricter of the values of the two tiers, managed and host.
    /// For a tier that does not set idle_timeout_no_terminal, the value of its idle_timeout is used.
    Setting<Duration> idle_timeout_no_terminal{unlimited_duration};
    /// The kinds of activity that all lists of `idle_activity` contain. The source is the last table that removed one.
    Setting<Activity> idle_activity{{.network = true}};
    Setting<OnIdle> on_idle{OnIdle::end};
    /// The programs that all lists of `keep` contain. The source is the last table that removed a program.
    Setting<Keep> keep{};
    Setting<CountLeftBehind> count_left_behind{CountLeftBehind::no};
    Setting<LimitLeftBehind> limit_left_behind{LimitLeftBehind::no};
    Setting<Announce> announce{Announce::no};
    Setting<Quiet> quiet{Quiet::no};
    Setting<AtLimit> at_limit{AtLimit::deny};
    Setting<DisplaceIdle> displace_idle{};
    Setting<Mode> mode{Mode::enforce};
    /// Template (daemon/policy/template.hpp) of the message that the user sees when the login is denied. If empty, the
    /// built-in text is used.
    Setting<std::string> message;
    /// Template (daemon/policy/template.hpp) of the message that the user sees when the session is terminated. If
    /// empty, the built-in text is used.
    Setting<std::string> message_of_end;
    /// The shared limits (max_sessions_total) of all rules that match the login. Each of them applies. Limits from the
    /// managed tier are first. Within a tier, the limits are in the order of its rules.
    std::vector<SharedLimit> shared_limits;
    /// Times before the termination of the session at which its user is warned, longest first, without duplicates. The
    /// list combines all warn_before values that apply to the login.
    std::vector<Duration> warn_before;
};

/// Calls visit(key, members...) for each setting, in the order in which settings are listed for users. `members` are
/// the members of `objects` for this setting. Objects are of type Limits or SettingsOf.
template <class Visit, class... Objects>
void for_each_setting(const Visit& visit, Objects&... objects) {
    visit("max_sessions", objects.max_sessions...);
    visit("max_sessions_fleet", objects.max_sessions_fleet...);
    visit("on_fleet_error", objects.on_fleet_error...);
    visit("max_duration", objects.max_duration...);
    visit("idle_timeout", objects.idle_timeout...);
    visit("idle_timeout_no_terminal", objects.idle_timeout_no_terminal...);
    visit("idle_activity", objects.idle_activity...);
    visit("on_idle", objects.on_idle...);
    visit("keep", objects.keep...);
    visit("count_left_behind", objects.count_left_behind...);
    visit("limit_left_behind", objects.limit_left_behind...);
    visit("warn_before", objects.warn_before...);
    visit("at_limit", objects.at_limit...);
    visit("displace_idle", objects.displace_idle...);
    visit("mode", objects.mode...);
    visit("message", objects.message...);
    visit("announce", objects.announce...);
    visit("quiet", objects.quiet...);
    visit("message_of_end", objects.message_of_end...);
}

} // namespace sesslimit::policy
