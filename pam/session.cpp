// SPDX-License-Identifier: MIT
#include "pam/session.hpp"

#include "common/local_login.hpp"
#include "common/module_log.hpp"
#include "pam/answer.hpp"
#include "pam/call.hpp"
#include "pam/facts.hpp"
#include "pam/heap.hpp"

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace sesslimit::pam {
namespace {

/// Data that the PAM module stores in a PAM handle between the open and the close of a session (pam_set_data(3)).
struct SessionHandle {
    std::uint64_t session = 0; ///< Number of the session, or 0 for a login that was admitted without being counted.
    pid_t owner = 0;           ///< PID of the process that opened the session.
};

constexpr char data_name[] = "sesslimit.session";

void clean_up(pam_handle_t*, void* data, int) noexcept {
    std::free(data);
}

/// Stores in the PAM handle the number of a session that the current process has opened. Replaces earlier data. Returns
/// false if out of memory. Every process that has a copy of the handle frees the data, including forked children.
/// Therefore the cleanup function only frees memory, and does not close the session.
bool store_session(pam_handle_t* handle, std::uint64_t session) noexcept {
    auto* data = static_cast<SessionHandle*>(std::malloc(sizeof(SessionHandle)));
    if (data == nullptr) {
        return false;
    }
    *data = {session, getpid()};
    if (pam_set_data(handle, data_name, data, &clean_up) != PAM_SUCCESS) {
        std::free(data);
        return false;
    }
    return true;
}

/// Returns the data that store_session() has stored in the PAM handle, or nullopt if nothing was stored.
std::optional<SessionHandle> stored_session(const pam_handle_t* handle) noexcept {
    const void* data = nullptr;
    if (pam_get_data(handle, data_name, &data) != PAM_SUCCESS || data == nullptr) {
        return std::nullopt;
    }
    return *static_cast<const SessionHandle*>(data);
}

constexpr char cgroup_file[] = "/proc/self/cgroup";

/// The outcome of a session request to the daemon, with the details for the log and for messages to the user.
struct Asked {
    Failure how;
    bool root = false;  ///< True if the user is known to have uid 0.
    bool local = false; ///< True if a program on a console or display of this host requests the login.
    unsigned tries = 0;
    std::uint64_t session = 0;
    std::array<char, wire::max_text + 1> text{}; ///< Text of the daemon for the user; empty if the daemon sent no text.
};

/// Shows the user the reason of a denial, or the daemon's message about an admitted session. Shows nothing if the
/// daemon decided without sending a text, which is how the setting `quiet` of the policy takes effect.
void tell_user(pam_handle_t* handle, const Answer& answer, const Asked& asked) noexcept {
    const bool theirs = asked.text[0] != '\0';
    if (answer.text != nullptr) {
        pam_error(handle, "%s", answer.text);
    } else if (theirs && asked.how.ending == RequestOutcome::denied) {
        pam_error(handle, "%s", asked.text.data());
    } else if (theirs && asked.how.ending == RequestOutcome::admitted) {
        pam_info(handle, "%s", asked.text.data());
    }
}

RequestOutcome ending_of(wire::WireError error) noexcept {
    return error == wire::WireError::other_version ? RequestOutcome::other_version : RequestOutcome::unreadable;
}

RequestOutcome ending_of(wire::Outcome outcome) noexcept {
    switch (outcome) {
    case wire::Outcome::admitted:
        return RequestOutcome::admitted;
    case wire::Outcome::uncounted:
        return RequestOutcome::uncounted;
    case wire::Outcome::denied:
        return RequestOutcome::denied;
    case wire::Outcome::failed:
        return RequestOutcome::undecided;
    case wire::Outcome::noted:
        break;
    }
    return RequestOutcome::unreadable;
}

std::uint32_t milliseconds(Duration span) noexcept {
    return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::milliseconds>(span).count());
}

Failure ask(const wire::OpenRequest& request, const Arguments& arguments, Asked& asked) noexcept {
    HeapArray<std::byte> frame(wire::max_frame);
    HeapArray<std::byte> reply(wire::max_frame);
    if (!frame || !reply) {
        return {RequestOutcome::no_memory};
    }
    const auto length = wire::encode(request, frame.span());
    if (!length) {
        return {RequestOutcome::bad_request};
    }
    const auto got = call(arguments.socket, frame.span().first(*length), reply.span(), arguments.timeout, max_tries);
    if (!got) {
        return got.error();
    }
    asked.tries = got->tries;
    const auto verdict = wire::decode_verdict(reply.span().first(got->size));
    if (!verdict) {
        return {ending_of(verdict.error())};
    }
    asked.session = verdict->session;
    clean_text(verdict->text, asked.text);
    return {ending_of(verdict->outcome)};
}

void log_left_out(const pam_handle_t* handle, const LoginInfo& facts) noexcept {
    for (std::size_t index = 0; index < facts.left_out_count; ++index) {
        pam_syslog(handle, LOG_WARNING, "%s is too long and is not sent to the daemon", facts.dropped_items[index]);
    }
}

void ask_about(pam_handle_t* handle, const Arguments& arguments, Asked& asked) noexcept {
    LoginInfo facts;
    const auto collected = collect_login_info(handle, cgroup_file, facts);
    asked.root = facts.root;
    if (!collected) {
        asked.how = collected.error();
        return;
    }
    log_left_out(handle, facts);
    asked.local = is_local_login(facts.request.tty, facts.request.rhost);
    facts.request.budget_ms = milliseconds(arguments.timeout);
    asked.how = ask(facts.request, arguments, asked);
}

void log_ignored(const pam_handle_t* handle, const Arguments& arguments) noexcept {
    for (std::size_t index = 0; index < arguments.ignored_count && index < arguments.ignored.size(); ++index) {
        pam_syslog(handle, LOG_WARNING, "ignoring unknown or invalid argument: %.128s", arguments.ignored[index]);
    }
}

/// Returns PAM_USER for a log line, with a question mark in place of each character that is not printable ASCII.
std::array<char, 65> user_of(const pam_handle_t* handle) noexcept {
    std::array<char, 65> shown{};
    const void* item = nullptr;
    if (pam_get_item(handle, PAM_USER, &item) != PAM_SUCCESS || item == nullptr) {
        return {"(unknown)"};
    }
    const auto* user = static_cast<const char*>(item);
    for (std::size_t at = 0; at + 1 < shown.size() && user[at] != '\0'; ++at) {
        shown[at] = user[at] > ' ' && user[at] <= '~' ? user[at] : '?';
    }
    return shown;
}

void log_answer(const pam_handle_t* handle, const Answer& answer, const Asked& asked) noexcept {
    if (answer.priority == LOG_DEBUG) {
        pam_syslog(handle, LOG_DEBUG, "%s: %s: session %" PRIu64 ", %u attempts", user_of(handle).data(), answer.log,
                   asked.session, asked.tries);
        return;
    }
    const char* did = answer.code == PAM_SUCCESS ? admitted_uncounted : "denied";
    std::array<char, 128> space{};
    const char* error = asked.how.error == 0 ? nullptr : strerror_r(asked.how.error, space.data(), space.size());
    pam_syslog(handle, answer.priority, "%s %s: %s%s%s", user_of(handle).data(), did, answer.log,
               error != nullptr ? ": " : "", error != nullptr ? error : "");
}

} // namespace

int open_session(pam_handle_t* handle, int flags, const Arguments& arguments) noexcept {
    log_ignored(handle, arguments);
    if (is_user_manager(handle)) {
        return PAM_SUCCESS;
    }
    Asked asked;
    ask_about(handle, arguments, asked);
    const Answer answer = answer_to(asked.how.ending, arguments.on_error, asked.root);
    if (answer.priority != LOG_DEBUG || arguments.debug) {
        log_answer(handle, answer, asked);
    }
    if (needs_single_line(handle)) {
        make_single_line(asked.text.data());
    }
    const bool verdict = asked.how.ending == RequestOutcome::admitted || asked.how.ending == RequestOutcome::uncounted;
    if (verdict && !store_session(handle, asked.session)) {
        pam_syslog(handle, LOG_WARNING, "out of memory, cannot store the session number");
    }
    if (!arguments.quiet && (static_cast<unsigned>(flags) & PAM_SILENT) == 0) {
        tell_user(handle, answer, asked);
    }
    if (answer.code != PAM_SUCCESS && asked.local) {
        constexpr timespec delay{.tv_sec = local_denial_delay.count(), .tv_nsec = 0};
        nanosleep(&delay, nullptr);
    }
    return answer.code;
}

void close_session(pam_handle_t* handle, const Arguments& arguments) noexcept {
    const auto known = stored_session(handle);
    // If the login was admitted without being counted, no request is sent, because its session number is 0. For a
    // request with the number 0, the daemon would close the session that the current process has opened, which may be a
    // different session.
    if (is_user_manager(handle) || (known && known->session == 0)) {
        return;
    }
    const wire::CloseRequest request{known ? known->session : 0};
    std::array<std::byte, 64> frame{};
    HeapArray<std::byte> reply(wire::max_frame);
    const auto length = wire::encode(request, frame);
    if (!reply || !length) {
        return;
    }
    const auto got = call(arguments.socket, std::span(frame).first(*length), reply.span(), arguments.timeout, 1);
    if (!arguments.debug) {
        return;
    }
    const Answer answer = answer_to(got ? RequestOutcome::admitted : got.error().ending, OnError::allow, false);
    pam_syslog(handle, LOG_DEBUG, "closing session %" PRIu64 " of process %d: %s", request.session,
               known ? known->owner : 0, got ? "reported to the daemon" : answer.log);
}

} // namespace sesslimit::pam
