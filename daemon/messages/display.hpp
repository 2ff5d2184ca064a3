// SPDX-License-Identifier: MIT
#pragma once

#include "common/duration.hpp"
#include "common/text.hpp"
#include "daemon/core/session.hpp"
#include "daemon/messages/message_text.hpp"

#include <chrono>
#include <string>

/// Parts of texts for users and administrators. The functions escape data from outside. Only source files of messages
/// include this header.
namespace sesslimit::messages {

/// Returns the name of the user of a session.
inline std::string user_of(const core::Session& session) {
    return escape_for_display(session.login.user, name_bytes);
}

/// Returns the remote host of a session, or "this host".
inline std::string origin_of(const core::Session& session) {
    return session.login.rhost.empty() ? "this host" : escape_for_display(session.login.rhost, host_bytes);
}

/// Returns the ID of a session in logind, or "(new)".
inline std::string id_of(const core::Session& session) {
    return session.logind_id.empty() ? "(new)" : escape_for_display(session.logind_id, name_bytes);
}

/// Returns a duration for display, such as "5min" or "2h 5min". The duration is rounded to minutes if it is at least an
/// hour, and otherwise to seconds.
inline std::string rough(Duration span) {
    using namespace std::chrono;
    return format_span(span >= hours(1) ? Duration(round<minutes>(span)) : Duration(round<seconds>(span)));
}

} // namespace sesslimit::messages
