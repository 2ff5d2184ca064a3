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

/// The treatment of a login about which the daemon did not decide (module argument `on_error`).
enum class OnError { allow, deny };

/// The arguments of the PAM module in a PAM service file. Lifetime: pointers into the parsed texts.
struct Arguments {
    Duration timeout = std::chrono::seconds(2); ///< `timeout=SPAN`, 1 ms to 1 h, the time for a whole request.
    OnError on_error = OnError::allow;          ///< `on_error=allow|deny`, applies if the daemon does not decide.
    bool quiet = false;                         ///< `quiet`, no messages to the user.
    bool debug = false;                         ///< `debug`, log successes, too.
    const char* socket = wire::default_socket;  ///< `socket=PATH`, an absolute path that fits the address of unix(7).

    /// The first arguments that are ignored because they are not valid, for the log. `ignored_count` is the number of
    /// all ignored arguments.
    std::array<const char*, 8> ignored{};
    std::size_t ignored_count = 0;
};

/// The form of a module argument, which is a name alone, or a name followed by "=" and a value. pam_sesslimit(8) has
/// the same list of arguments.
struct ArgumentForm {
    std::string_view name;
    bool takes_value = false;
};
/// Returns all known arguments.
std::span<const ArgumentForm> argument_forms() noexcept;

/// Parses the arguments of the PAM module. Null pointers are skipped. If an argument is repeated, the last one applies.
/// An argument with an invalid value leaves the earlier value unchanged.
Arguments parse_arguments(std::span<const char* const> texts) noexcept;

} // namespace sesslimit::pam
