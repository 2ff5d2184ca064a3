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
enum class AtLimit : std::uint8_t { refuse, end_idlest, end_oldest };

/// Whether decisions are carried out, or only told. The strictest first.
enum class Mode : std::uint8_t { enforce, observe };

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
    std::optional<Setting<Count>> max_sessions;            ///< 0 lets nobody in
    std::optional<Setting<Span>> max_duration;             ///< 1 s and more, or unlimited_span
    std::optional<Setting<Span>> idle_timeout;             ///< 1 s and more, or unlimited_span
    std::optional<Setting<std::vector<Span>>> warn_before; ///< longest first, without repeats; empty: no warning
    std::optional<Setting<AtLimit>> at_limit;
    std::optional<Setting<Mode>> mode;
};

struct Match; // daemon/policy/match.hpp: the `match.*` keys of a rule

struct Rule {
    std::shared_ptr<const Match> match; ///< never null
    Settings settings;
    bool exempt = false; ///< no limit of the rule's own tier holds for whom it matches
    SourceId source = SourceId::nowhere;
};

struct TierPolicy {
    Settings defaults;
    std::vector<Rule> rules;                                 ///< in the order of the files and of the rules in them
    std::optional<std::vector<std::string>> ignore_services; ///< PAM services whose sessions pass and never count
};

/// A whole policy. The value of an empty one limits nobody.
struct Policy {
    TierPolicy managed;
    TierPolicy host;
    std::vector<Source> sources; ///< what SourceId counts in
};

/// What the policy comes to for one login: every setting has a value, and the place that set it.
struct Limits {
    Setting<Count> max_sessions{unlimited_count};
    Setting<Span> max_duration{unlimited_span};
    Setting<Span> idle_timeout{unlimited_span};
    Setting<AtLimit> at_limit{AtLimit::refuse};
    Setting<Mode> mode{Mode::enforce};
    std::vector<Span> warn_before; ///< the union of what applies: longest first, without repeats
};

} // namespace sesslimit::policy
