// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/protocol.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

namespace sesslimit::pam {

/// The treatment of a login that could not be decided.
enum class OnError { allow, deny };

/// The module arguments in a PAM service file. Lifetime: pointers into the parsed texts.
struct Arguments {
    Duration timeout = std::chrono::seconds(2); ///< `timeout=SPAN`, 1 ms to 1 h: budget of the whole call to the daemon
    OnError on_error = OnError::allow;          ///< `on_error=allow|deny`
    bool quiet = false;                         ///< `quiet`: no messages to the user
    bool debug = false;                         ///< `debug`: log successes, too
    const char* socket = wire::default_socket;  ///< `socket=PATH`, absolute, short enough for unix(7)

    /// The first of the `ignored_count` arguments that are ignored because they are not valid, for the log.
    std::array<const char*, 8> ignored{};
    std::size_t ignored_count = 0;
};

/// The form of an argument: "name" alone, or "name=" and a value. pam_sesslimit(8) has the same list.
struct ArgumentForm {
    std::string_view name;
    bool takes_value = false;
};
/// Returns all known arguments.
std::span<const ArgumentForm> argument_forms() noexcept;

/// Parses the arguments of a module. Null pointers are skipped. If an argument is repeated, the last one applies. An
/// argument with an invalid value leaves the earlier value unchanged.
Arguments parse_arguments(std::span<const char* const> texts) noexcept;

} // namespace sesslimit::pam
