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

/// What the TOML says, as values. The language is described in etc/policy.toml and sesslimit.toml(5); the loader
/// (daemon/policy/load.hpp) makes these, resolve() (daemon/policy/resolve.hpp) asks them.
namespace sesslimit::policy {

/// A number of sessions.
using Count = std::uint32_t;
inline constexpr Count unlimited_count = std::numeric_limits<Count>::max();

/// What happens to a login at the limit. The order is that of strictness, the strictest first.
enum class AtLimit : std::uint8_t { deny, end_idlest, end_oldest };

/// Whether decisions are carried out, or only told. The strictest first.
enum class Mode : std::uint8_t { enforce, observe };

/// What tells that somebody, or something of theirs, uses a session with a terminal: input always does. The order is
/// that of strictness, the strictest first.
enum class Activity : std::uint8_t { input, output, processor, output_and_processor };

constexpr bool counts_output(Activity what) noexcept {
    return what == Activity::output || what == Activity::output_and_processor;
}
constexpr bool counts_processor(Activity what) noexcept {
    return what == Activity::processor || what == Activity::output_and_processor;
}

/// What becomes of an idle graphical session; every other one is ended. The strictest first.
enum class OnIdle : std::uint8_t { end, lock };

/// Whether the end of an idle or expired session spares the server of a terminal multiplexer. The strictest first.
enum class KeepMultiplexer : std::uint8_t { no, yes };

/// Whether a user reads their limits as they log in. To tell is the stricter one.
enum class Announce : std::uint8_t { yes, no };

/// Who wrote a part of the policy: configuration management, or the administrator of the host.
enum class Tier : std::uint8_t { managed, host };

/// Where a value was written, by its place in Policy::sources. `nowhere`: no file set it.
enum class SourceId : std::uint16_t { nowhere = 0xFFFF };

/// One [defaults] table or one [[rule]], for people.
struct Source {
    Tier tier = Tier::host;
    std::string rule; ///< the rule's name; empty for [defaults]
    std::string file;
    std::uint32_t line = 0; ///< of the table's header, from 1
};

/// A value, and where it was written.
template <class T>
struct Setting {
    T value{};
    SourceId from = SourceId::nowhere;
    std::uint32_t line = 0; ///< of the key itself, from 1; 0 with `nowhere`
};

/// What one [defaults] or [[rule]] sets. Absent: it says nothing about that setting.
struct Settings {
    std::optional<Setting<Count>> max_sessions;                ///< 0 lets nobody in
    std::optional<Setting<Duration>> max_duration;             ///< 1 s and more, or unlimited_duration
    std::optional<Setting<Duration>> idle_timeout;             ///< 1 s and more, or unlimited_duration
    std::optional<Setting<Duration>> idle_timeout_no_terminal; ///< the same; absent: idle_timeout of the same tier
    std::optional<Setting<Activity>> idle_activity;
    std::optional<Setting<OnIdle>> on_idle;
    std::optional<Setting<KeepMultiplexer>> keep_multiplexer;
    std::optional<Setting<Announce>> announce;
    std::optional<Setting<std::vector<Duration>>> warn_before; ///< longest first, without repeats; empty: no warning
    std::optional<Setting<AtLimit>> at_limit;
    std::optional<Setting<Mode>> mode;
    std::optional<Setting<std::string>> message;        ///< daemon/policy/template.hpp; empty: the built-in text
    std::optional<Setting<std::string>> message_of_end; ///< the same, of a session that is ended
};

struct Match; // daemon/policy/match.hpp: the `match.*` keys of a rule

struct Rule {
    std::shared_ptr<const Match> match; ///< never null
    Settings settings;
    /// How many sessions there may be that match this rule, whoever they belong to. 0 lets nobody in.
    std::optional<Setting<Count>> max_sessions_total;
    bool exempt = false; ///< no limit of the rule's own tier holds for whom it matches
    SourceId source = SourceId::nowhere;
};

struct TierPolicy {
    Settings defaults;
    std::vector<Rule> rules; ///< in the order of the files and of the rules in them
    /// PAM services whose sessions pass and never count.
    std::optional<Setting<std::vector<std::string>>> ignore_services;
};

/// A whole policy. The value of an empty one limits nobody.
struct Policy {
    TierPolicy managed;
    TierPolicy host;
    std::vector<Source> sources; ///< what SourceId counts in
};

/// A limit that all sessions share that have it, whoever they belong to: it is full when `most` sessions are open whose
/// Limits hold a SharedLimit of the same rule.
struct SharedLimit {
    SourceId rule = SourceId::nowhere; ///< names the limit as long as the policy is in force
    Count most = 0;                    ///< never unlimited_count
    std::uint32_t line = 0;            ///< of the key, from 1
    bool operator==(const SharedLimit&) const = default;
};

/// What the policy comes to for one login: every setting has a value, and the place that set it.
struct Limits {
    Setting<Count> max_sessions{unlimited_count};
    Setting<Duration> max_duration{unlimited_duration};
    Setting<Duration> idle_timeout{unlimited_duration};
    Setting<Duration> idle_timeout_no_terminal{unlimited_duration}; ///< of each tier its own, else its idle_timeout
    Setting<Activity> idle_activity{Activity::input};
    Setting<OnIdle> on_idle{OnIdle::end};
    Setting<KeepMultiplexer> keep_multiplexer{KeepMultiplexer::no};
    Setting<Announce> announce{Announce::no};
    Setting<AtLimit> at_limit{AtLimit::deny};
    Setting<Mode> mode{Mode::enforce};
    Setting<std::string> message;           ///< what a denied user reads (template.hpp); empty: the built-in text
    Setting<std::string> message_of_end;    ///< what the user of an ended session reads; empty: the built-in text
    std::vector<SharedLimit> shared_limits; ///< all of them hold: managed tier first, then in the order of the rules
    std::vector<Duration> warn_before;      ///< the union of what applies: longest first, without repeats
};

} // namespace sesslimit::policy
