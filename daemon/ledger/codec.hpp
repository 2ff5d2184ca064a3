// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/session.hpp"

#include <cstddef>
#include <expected>
#include <span>
#include <string_view>

/// Encoding of sessions as bytes (docs/ledger.md, section "Session"). The functions are pure: they do not access files
/// or clocks.
namespace sesslimit::ledger {

/// Maximum size of an encoded session in bytes. This size is sufficient for all texts at their maximum length and one
/// group ID. Group IDs that do not fit are omitted.
inline constexpr std::size_t max_payload = 2032;

/// Reason why a session is invalid, in a few words for a log, such as "unknown phase". Lifetime: the text is static.
using Fault = std::string_view;

/// Returns the reason why a session is invalid, or an empty view if the session is valid. The function does not check
/// whether a time is in the future, because only the caller knows the current time.
///
/// A valid session has a key and only known enumerators. Its times and time spans are not negative, and its wall clock
/// times are within 36,000 years of the epoch. Its texts are within their maximum lengths and contain no NUL. Its group
/// IDs are ascending.
Fault fault_of(const core::Session& session) noexcept;

/// Encodes the session to the start of `out` and returns its length in bytes. The fields `request` and `answer_by` are
/// not encoded. Group IDs that do not fit are omitted, and `gids_cut` is then encoded as true. Fails if the session is
/// invalid, or does not fit even without group IDs. After an error the contents of `out` are unspecified.
std::expected<std::size_t, Fault> encode(const core::Session& session, std::span<std::byte> out) noexcept;

/// Decodes one session of format version 1, 2 or 3, whose encoding must fill all of `payload`. `payload` may contain
/// arbitrary bytes, because invalid sessions are rejected. The fields `request` and `answer_by` are not encoded, and
/// get their default values.
std::expected<core::Session, Fault> decode(std::span<const std::byte> payload);

} // namespace sesslimit::ledger
