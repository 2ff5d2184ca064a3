// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/session.hpp"

#include <cstddef>
#include <expected>
#include <span>
#include <string_view>

/// Sessions as bytes: docs/ledger.md, "A session". Pure: nothing here touches a file or a clock.
namespace sesslimit::ledger {

/// Room that always takes a session: its fixed part and its texts at their longest, and some of its group ids.
inline constexpr std::size_t max_payload = 2032;

/// Why a session is impossible, in a few words for a log ("unknown phase"). The text is static.
using Fault = std::string_view;

/// What is impossible about a session; empty where nothing is. A possible one has a key, enumerators that exist, times
/// and spans that are not negative, wall clocks within 36,000 years of the epoch, texts within their bounds and
/// without NUL, group ids ascending. Times are not held against a clock: the caller knows what time it is.
Fault fault_of(const core::Session& session) noexcept;

/// Writes the session to the start of `out` and says how long it is. `request` and `answer_by` are left out. Group ids
/// that do not fit are left out and `gids_cut` is written as set. Fails on an impossible session, and where `out` has
/// no room for all the rest; then `out` holds rubbish.
std::expected<std::size_t, Fault> encode(const core::Session& session, std::span<std::byte> out) noexcept;

/// Reads all of `payload`, whose bytes may be anything, as one session. Only a possible one comes out. `request` and
/// `answer_by` are as in a new Session.
std::expected<core::Session, Fault> decode(std::span<const std::byte> payload);

} // namespace sesslimit::ledger
