// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "daemon/core/activity_sample.hpp"
#include "daemon/core/session.hpp"
#include "daemon/policy/policy.hpp"

#include <cstdint>

/// What sample mean: when somebody, or something of theirs, last used a session. Pure.
///
/// A session with a terminal is used by input on it and, where the policy says so, by output or by CPU time. A
/// graphical one by what logind's IdleHint says. Every other one by the data on its connection and by CPU time; where
/// nobody can see its connection it is taken for used.
///
/// Clocks. Ages are counted on CLOCK_BOOTTIME, suspend included; only a terminal's stamps are of the wall clock, and
/// are turned into boottime by what lay between the two clocks at this look or at the one before. The wall clock may be
/// set at any time: every session under an idle limit is then looked at at once (ClockChanged), because a clock that is
/// set twice between two looks, there and back, would make a key look older than it is. Nobody is thus ended before
/// idle_timeout has gone by since their last key, whatever the clock does. Who has gone is ended within twice
/// idle_timeout: what cannot be dated is dated into the time between two looks, once, since a stamp that was seen is
/// not dated again; only a clock that is set back, so that it comes to the moment of that stamp again, adds as much
/// once more each time. logind's hint has an age on CLOCK_MONOTONIC: a graphical session is not idle while the host is
/// suspended.
namespace sesslimit::core {

/// What keepalives may be and not count as use. ssh's have 28 to 112 bytes, by cipher and MAC, and those of one side
/// are all of one size, as are the answers to them: a segment of data beyond that, more than one a second, or small
/// ones of different sizes are something else.
inline constexpr std::uint64_t keepalive_bytes = 120;
inline constexpr Duration keepalive_interval = std::chrono::seconds(1);

/// What share of one processor is use, over the time since the last look: 1 %. An idle shell or sshd is far below.
inline constexpr int processor_share = 100;

/// Looks closer together than this tell nothing of traffic and CPU time.
inline constexpr Duration shortest_window = std::chrono::seconds(1);

/// How long after a notice of ours was decided on the terminal's own clock may still show it, which moves in steps of
/// 8 s: one step, and a moment that passes before it is written.
inline constexpr Duration echo_of_notice = std::chrono::milliseconds(8250);

/// When it was last used, as far as these sample tell: never later than `now`, never earlier than session.last_input.
BootTime last_use(const Session& session, const ActivitySample& sample, policy::Activity counted, BootTime now);

/// What is to_last_sample of these sample for the next look.
LastSample to_last_sample(const Session& session, const ActivitySample& sample, BootTime now);

/// Whether the connection carried between two looks what keepalives do not account for.
bool is_traffic(const Traffic& before, const Traffic& after, Duration window);

} // namespace sesslimit::core
