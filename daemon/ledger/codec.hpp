// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/session.hpp"

#include <cstddef>
#include <expected>
#include <span>
#include <string_view>

/// The encoding of sessions as bytes (docs/ledger.md, "A session"). The functions are pure and do not access files or
/// clocks.
namespace sesslimit::ledger {

/// The number of bytes that always suffice for a session. It includes the fixed part, the texts at their maximum
/// length, and some of the group IDs.
inline constexpr std::size_t max_payload = 2032;

/// The reason why a session is invalid, in a few words for a log ("unknown phase"). The text is static.
using Fault = std::string_view;

/// Returns the reason why a session is invalid, or an empty view if it is valid. A valid session has a key, existing
/// enumerators, times and spans that are not negative, and wall clock times within 36,000 years of the epoch. Its texts
/// are within their bounds and contain no NUL. Its group IDs are ascending. Times are not compared with a clock,
/// because the caller knows the current time.
Fault fault_of(const core::Session& session) noexcept;

/// Encodes the session to the start of `out` and returns its length in bytes. `request` and `answer_by` are omitted.
/// Group IDs that do not fit are omitted, and `gids_cut` is then encoded as true. Fails if the session is invalid, or
/// if `out` is too small for everything else. After an error the contents of `out` are unspecified.
std::expected<std::size_t, Fault> encode(const core::Session& session, std::span<std::byte> out) noexcept;

/// Decodes all of `payload` as one session. The bytes may be arbitrary. Returns only valid sessions. `request` and
/// `answer_by` have the values of a new Session.
std::expected<core::Session, Fault> decode(std::span<const std::byte> payload);

} // namespace sesslimit::ledger
