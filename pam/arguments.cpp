// SPDX-License-Identifier: MIT
#include "pam/arguments.hpp"

#include "common/duration.hpp"

#include <sys/un.h>

#include <string_view>

namespace sesslimit::pam {
namespace {

constexpr Span shortest_timeout = std::chrono::milliseconds(1);
constexpr Span longest_timeout = std::chrono::milliseconds(wire::max_budget_ms);

bool take_timeout(std::string_view value, Arguments& out) noexcept {
    const auto span = parse_span(value);
    if (!span || *span < shortest_timeout || *span > longest_timeout) {
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

/// `value` ends with the NUL of the argument that it is the end of.
bool take_socket(std::string_view value, Arguments& out) noexcept {
    if (!value.starts_with('/') || value.size() >= sizeof(sockaddr_un::sun_path)) {
        return false;
    }
    out.socket = value.data();
    return true;
}

bool take(std::string_view text, Arguments& out) noexcept {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
        out.quiet = out.quiet || text == "quiet";
        out.debug = out.debug || text == "debug";
        return text == "quiet" || text == "debug";
    }
    const std::string_view name(text.data(), equals);
    const std::string_view value(text.data() + equals + 1, text.size() - equals - 1);
    if (name == "timeout") {
        return take_timeout(value, out);
    }
    if (name == "on_error") {
        return take_on_error(value, out);
    }
    return name == "socket" && take_socket(value, out);
}

} // namespace

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
