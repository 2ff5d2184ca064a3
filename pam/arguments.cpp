// SPDX-License-Identifier: MIT
#include "pam/arguments.hpp"

#include "common/duration.hpp"

#include <sys/un.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace sesslimit::pam {
namespace {

constexpr Duration shortest_timeout = std::chrono::milliseconds(1);
constexpr Duration max_timeout = std::chrono::milliseconds(wire::max_budget_ms);

bool take_timeout(std::string_view value, Arguments& out) noexcept {
    const auto span = parse_span(value);
    if (!span || *span < shortest_timeout || *span > max_timeout) {
        return false;
    }
    out.timeout = *span;
    return true;
}

bool take_on_error(std::string_view value, Arguments& out) noexcept {
    if (value != "allow" && value != "deny") {
        return false;
    }
    out.on_error = value == "deny" ? OnError::deny : OnError::allow;
    return true;
}

/// Parses the value of the module argument `socket=`. Stores a pointer to the value, which is NUL-terminated because it
/// is the end of the argument.
bool take_socket(std::string_view value, Arguments& out) noexcept {
    if (!value.starts_with('/') || value.size() >= sizeof(sockaddr_un::sun_path)) {
        return false;
    }
    out.socket = value.data();
    return true;
}

bool take_quiet(std::string_view, Arguments& out) noexcept {
    out.quiet = true;
    return true;
}

bool take_debug(std::string_view, Arguments& out) noexcept {
    out.debug = true;
    return true;
}

constexpr ArgumentForm forms[] = {{"timeout", true}, {"on_error", true}, {"socket", true}, {"quiet"}, {"debug"}};

using Taker = bool (*)(std::string_view value, Arguments& out) noexcept;
constexpr Taker takers[] = {take_timeout, take_on_error, take_socket, take_quiet, take_debug};
static_assert(std::size(forms) == std::size(takers));

bool take(std::string_view text, Arguments& out) noexcept {
    const std::size_t equals = std::min(text.find('='), text.size());
    const bool has_value = equals < text.size();
    const std::string_view name(text.data(), equals);
    const std::string_view value(text.data() + equals + (has_value ? 1 : 0),
                                 text.size() - equals - (has_value ? 1 : 0));
    for (std::size_t at = 0; at < std::size(forms); ++at) {
        if (forms[at].name == name && forms[at].takes_value == has_value) {
            return takers[at](value, out);
        }
    }
    return false;
}

} // namespace

std::span<const ArgumentForm> argument_forms() noexcept {
    return forms;
}

Arguments parse_arguments(std::span<const char* const> texts) noexcept {
    Arguments arguments;
    for (const char* text : texts) {
        if (text == nullptr || take(text, arguments)) {
            continue;
        }
        if (arguments.ignored_count < arguments.ignored.size()) {
            arguments.ignored[arguments.ignored_count] = text;
        }
        ++arguments.ignored_count;
    }
    return arguments;
}

} // namespace sesslimit::pam
