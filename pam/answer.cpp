// SPDX-License-Identifier: MIT
#include "pam/answer.hpp"

#include <security/pam_modules.h>
#include <syslog.h>

#include <iterator>

namespace sesslimit::pam {
namespace {

constexpr char unsure_text[] = "Login denied: the session limit service is unavailable. Please try again later.";

struct Row {
    RequestOutcome ending;
    enum class Way { in, out, unsure } way;
    const char* log;
};

// The module's reaction to each outcome of a session request, in the order of RequestOutcome.
using enum Row::Way;
constexpr Row table[] = {
    Row{RequestOutcome::admitted, in, "admitted"},
    Row{RequestOutcome::uncounted, in, "admitted without being counted"},
    Row{RequestOutcome::denied, out, "denied by a limit"},
    Row{RequestOutcome::no_user, unsure, "PAM_USER is missing or empty"},
    Row{RequestOutcome::user_too_long, unsure, "the user name is too long"},
    Row{RequestOutcome::unknown_user, unsure, "the user does not exist"},
    Row{RequestOutcome::lookup_failed, unsure, "cannot query the user database"},
    Row{RequestOutcome::no_service, unsure, "PAM_SERVICE is missing or too long"},
    Row{RequestOutcome::no_memory, unsure, "out of memory"},
    Row{RequestOutcome::bad_request, unsure, "login data exceeds protocol limits"},
    Row{RequestOutcome::no_socket, unsure, "cannot create socket"},
    Row{RequestOutcome::no_daemon, unsure, "cannot connect to the daemon"},
    Row{RequestOutcome::timed_out, unsure, "the daemon did not answer in time"},
    Row{RequestOutcome::hung_up, unsure, "the daemon closed the connection without an answer"},
    Row{RequestOutcome::unreadable, unsure, "malformed reply from the daemon"},
    Row{RequestOutcome::other_version, unsure, "the daemon and the module use different protocol versions"},
    Row{RequestOutcome::undecided, unsure, "the daemon could not decide"},
};

constexpr bool in_order() {
    for (std::size_t index = 0; index < std::size(table); ++index) {
        if (static_cast<std::size_t>(table[index].ending) != index) {
            return false;
        }
    }
    return std::size(table) == static_cast<std::size_t>(RequestOutcome::undecided) + 1;
}
static_assert(in_order());

bool is_control(unsigned char byte) noexcept {
    return (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
}

/// Returns true if the text contains a character from U+0080 to U+009F at offset `at`, encoded in UTF-8. Some terminals
/// interpret these control characters as the beginning of a command.
bool is_c1(std::string_view text, std::size_t at) noexcept {
    if (text[at] != '\xc2' || at + 1 == text.size()) {
        return false;
    }
    const auto next = static_cast<unsigned char>(text[at + 1]);
    return next >= 0x80 && next <= 0x9f;
}

} // namespace

Answer answer_to(RequestOutcome ending, OnError on_error, bool root) noexcept {
    const Row& row = table[static_cast<std::size_t>(ending)];
    switch (row.way) {
    case in:
        return {PAM_SUCCESS, LOG_DEBUG, row.log, nullptr};
    case out:
        // The module logs denials only if it has the argument `debug`, because the daemon also logs them.
        return {PAM_PERM_DENIED, LOG_DEBUG, row.log, nullptr};
    case unsure:
        break;
    }
    if (root || on_error == OnError::allow) {
        return {PAM_SUCCESS, LOG_WARNING, row.log, nullptr};
    }
    return {PAM_SESSION_ERR, LOG_ERR, row.log, unsure_text};
}

void clean_text(std::string_view text, std::span<char> out) noexcept {
    std::size_t length = 0;
    for (std::size_t at = 0; at < text.size() && length + 1 < out.size(); ++at) {
        if (is_c1(text, at)) {
            ++at;
        } else if (!is_control(static_cast<unsigned char>(text[at]))) {
            out[length++] = text[at];
        }
    }
    while (length > 0 && out[length - 1] == '\n') {
        --length;
    }
    out[length] = '\0';
}

void make_single_line(char* text) noexcept {
    char* out = text;
    for (const char* in = text; *in != '\0'; ++in) {
        if (*in == '"') {
            *out++ = '\'';
        } else if (*in == '\\') {
            *out++ = '/';
        } else if (*in != ' ' && *in != '\n' && *in != '\t') {
            *out++ = *in;
        } else if (out != text && out[-1] != ' ') {
            *out++ = ' ';
        }
    }
    *out = '\0';
}

} // namespace sesslimit::pam
