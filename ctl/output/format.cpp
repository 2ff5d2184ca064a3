// SPDX-License-Identifier: MIT
#include "ctl/output/format.hpp"

#include "common/duration.hpp"
#include "common/text.hpp"
#include "common/user_ref.hpp"
#include "ctl/client/escaped_client.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

namespace sesslimit::ctl {
namespace {

using namespace std::chrono;

// The latest time that is valid, which is 9999-12-31T23:59:59Z in microseconds since the epoch.
constexpr Usec latest = 253'402'300'799'000'000;
constexpr Usec soon = duration_cast<microseconds>(minutes(5)).count();

Duration span_of(Usec span) {
    return span > latest ? unlimited_duration : Duration(static_cast<Duration::rep>(span));
}

bool local_time(Usec at, tm& local) {
    const auto seconds_since = static_cast<time_t>(at / 1'000'000);
    return at <= latest && localtime_r(&seconds_since, &local) != nullptr;
}

enum class Form : std::uint8_t { clock, day, log, zone };

std::string written(Form form, const tm& time) {
    std::array<char, 64> text{};
    const auto write = [&](auto strftime_of) {
        return std::string(text.data(), strftime_of(text.data(), text.size()));
    };
    switch (form) {
    case Form::clock:
        return write([&](char* out, std::size_t size) { return std::strftime(out, size, "%H:%M", &time); });
    case Form::day:
        return write([&](char* out, std::size_t size) { return std::strftime(out, size, "%Y-%m-%d %H:%M", &time); });
    case Form::log:
        return write([&](char* out, std::size_t size) { return std::strftime(out, size, "%Y-%m-%d %H:%M:%S", &time); });
    case Form::zone:
        return write(
            [&](char* out, std::size_t size) { return std::strftime(out, size, "%Y-%m-%d %H:%M:%S %Z", &time); });
    }
    return {};
}

Usec between(Usec from, Usec to) {
    return to > from ? to - from : 0;
}

bool ends_by_itself(const Session& session) {
    return std::min(session.duration_ends_at, session.idle_ends_at) != infinity;
}

std::string left_words(const Session& session, Usec now) {
    const bool idle = session.idle_ends_at < session.duration_ends_at;
    const Usec left = between(now, std::min(session.duration_ends_at, session.idle_ends_at));
    return (idle ? "idle " : "") + rough(left) + " left";
}

/// Returns true if the text contains \xHH, which may stand for a byte that is not valid UTF-8.
bool has_escape(std::string_view text) {
    const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
    for (std::size_t at = text.find("\\x"); at != text.npos; at = text.find("\\x", at + 1)) {
        if (text.size() - at >= 4 && is_hex(text[at + 2]) && is_hex(text[at + 3])) {
            return true;
        }
    }
    return false;
}

} // namespace

std::string rough(Usec span) {
    const Duration whole = span_of(span);
    if (whole == unlimited_duration) {
        return format_span(whole);
    }
    if (whole >= days(1)) {
        return format_span(floor<hours>(whole));
    }
    return whole >= minutes(1) ? format_span(floor<minutes>(whole)) : format_span(floor<seconds>(whole));
}

std::string exact(Usec span) {
    return format_span(span_of(span));
}

std::string short_time(Usec at, Usec now) {
    tm then{};
    tm today{};
    if (at == 0 || !local_time(at, then) || !local_time(now, today)) {
        return "-";
    }
    const bool same_day = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
    return written(same_day ? Form::clock : Form::day, then);
}

std::string log_time(Usec at) {
    tm then{};
    return at != 0 && local_time(at, then) ? written(Form::log, then) : "-";
}

std::string long_time(Usec at, Usec now) {
    tm then{};
    if (at == infinity) {
        return "never";
    }
    if (at == 0 || !local_time(at, then)) {
        return "-";
    }
    const std::string distance = at <= now ? rough(now - at) + " ago" : "in " + rough(at - now);
    return written(Form::zone, then) + " (" + distance + ")";
}

std::string idle_words(const Session& session, Usec now) {
    return session.idle_since == 0 ? "-" : rough(between(session.idle_since, now));
}

std::string end_text(const Session& session, Usec now) {
    if (session.state == "ending" || session.state == "waiting") {
        return session.state;
    }
    const bool is_left = session.state == "left-behind";
    if (!ends_by_itself(session)) {
        return is_left ? session.state : "-";
    }
    const std::string words = (is_left ? "left-behind, " : "") + left_words(session, now);
    return session.mode == "observe" ? "(" + words + ")" : words;
}

Urgency urgency_of(const Session& session, Usec now) {
    if (session.state == "ending") {
        return Urgency::now;
    }
    const Usec at = std::min(session.duration_ends_at, session.idle_ends_at);
    const bool near = ends_by_itself(session) && between(now, at) < soon;
    return near && session.mode != "observe" ? Urgency::soon : Urgency::none;
}

std::string terminals_words(const Session& session) {
    std::string words;
    for (const std::string& terminal : session.terminals) {
        words += (words.empty() ? "" : ", ") + safe(terminal);
    }
    return words.empty() ? "-" : words;
}

std::string origin_words(const Session& session) {
    return session.origin.empty() ? "this host" : safe(session.origin);
}

std::string session_line(const Session& session, Usec now) {
    std::string line = "session " + safe(session.id) + " of " + user_words(session) + ": " + safe(session.service);
    line += session.terminals.empty() ? " without a terminal" : " on " + terminals_words(session);
    line += ", from " + origin_words(session);
    line += session.state == "left-behind" ? ", left behind" : "";
    return line + ", since " + short_time(session.since, now) + " (" + rough(between(session.since, now)) + ")";
}

std::string user_argument(const Session& session) {
    const std::string& name = session.user;
    return !name.empty() && safe(name) == name && !has_escape(name) ? name : user_ref_of(session.uid);
}

std::string user_words(const Session& session) {
    const std::string argument = user_argument(session);
    return session.user.empty() || argument == session.user ? argument : safe(session.user) + " (" + argument + ")";
}

bool belongs_to(const Session& session, const std::string& user) {
    const auto ref = parse_user_ref(user);
    return ref && refers_to(*ref, session.user, session.uid);
}

std::string uid_hint(const std::string& user) {
    const bool number = !user.empty() && std::ranges::all_of(user, is_digit);
    return number ? "a plain number is treated as a user name; for the user ID write uid:" + user : "";
}

std::string counted(std::size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

} // namespace sesslimit::ctl
