// SPDX-License-Identifier: MIT
#pragma once

#include "common/frame_codec.hpp"

#include <limits>

/// The field tables of docs/protocol.md, which the decoder and the encoder in protocol.cpp share.
namespace sesslimit::wire {

inline constexpr Format pam_format{.magic = {'S', 'L', 'I', 'M'}, .version = version, .max_frame = max_frame};

// The numbers of the fields in a frame. docs/protocol.md has a table of field numbers for each kind of frame.
enum class OpenTag : std::uint16_t {
    user = 1,
    uid,
    gids,
    flags,
    service,
    tty,
    rhost,
    ruser,
    auth_info,
    connection,
    budget,
    seat,
};
enum class CloseTag : std::uint16_t { session = 1 };
enum class VerdictTag : std::uint16_t { outcome = 1, session, text };
enum class WaitTag : std::uint16_t { more = 1 };

inline constexpr std::uint32_t flag_nested = 1;
inline constexpr std::uint32_t flag_gids_cut = 2;
inline constexpr uid_t no_uid = std::numeric_limits<uid_t>::max();

struct TextRule {
    OpenTag tag;
    std::size_t bound;
    bool must;
    std::string_view OpenRequest::* member;
};
inline constexpr TextRule open_texts[] = {
    TextRule{OpenTag::user, max_user, true, &OpenRequest::user},
    TextRule{OpenTag::service, max_service, true, &OpenRequest::service},
    TextRule{OpenTag::tty, max_tty, false, &OpenRequest::tty},
    TextRule{OpenTag::rhost, max_host, false, &OpenRequest::rhost},
    TextRule{OpenTag::ruser, max_user, false, &OpenRequest::ruser},
    TextRule{OpenTag::auth_info, max_auth_info, false, &OpenRequest::auth_info},
    TextRule{OpenTag::connection, max_connection, false, &OpenRequest::connection},
    TextRule{OpenTag::seat, max_seat, false, &OpenRequest::seat},
};

constexpr std::size_t largest_open() {
    std::size_t size = header_size + 3 * (field_header + 4) + field_header + max_gids * sizeof(gid_t);
    for (const TextRule& rule : open_texts) {
        size += field_header + rule.bound;
    }
    return size;
}
static_assert(largest_open() <= max_frame);
static_assert(max_gids * sizeof(gid_t) <= std::numeric_limits<std::uint16_t>::max());

inline Done gids_fit(std::size_t bytes) noexcept {
    if (bytes > max_gids * sizeof(gid_t)) {
        return unexpected(WireError::too_long);
    }
    if (bytes == 0 || bytes % sizeof(gid_t) != 0) {
        return unexpected(WireError::bad_field);
    }
    return {};
}

inline bool budget_fits(std::uint32_t budget_ms) noexcept {
    return budget_ms >= 1 && budget_ms <= max_budget_ms;
}

inline bool wait_fits(std::uint32_t more_ms) noexcept {
    return more_ms >= 1 && more_ms <= max_wait_ms;
}

inline bool outcome_fits(std::uint8_t outcome) noexcept {
    return outcome >= static_cast<std::uint8_t>(Outcome::admitted) &&
           outcome <= static_cast<std::uint8_t>(Outcome::noted);
}

inline bool session_fits(const Verdict& verdict) noexcept {
    return (verdict.session != 0) == (verdict.outcome == Outcome::admitted);
}

} // namespace sesslimit::wire
