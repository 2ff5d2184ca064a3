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

/// The arguments of the PAM module in a PAM service file. Lifetime: the pointers refer to the texts that were parsed.
struct Arguments {
    Duration timeout = std::chrono::seconds(2); ///< `timeout=SPAN`, the time for a request, 1 ms to 1 h.
    OnError on_error = OnError::allow;          ///< `on_error=allow|deny`, the decision if the daemon does not decide.
    bool quiet = false;                         ///< `quiet`, which suppresses messages to the user.
    bool debug = false;                         ///< `debug`, which enables log messages about successful requests.
    const char* socket = wire::default_socket;  ///< `socket=PATH`, the absolute path of the daemon's socket.

    /// Invalid arguments, which the module ignores and logs. Only the first ones are stored. `ignored_count` is the
    /// number of all invalid arguments.
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

/// Parses the arguments of the PAM module. Null pointers are skipped. If an argument is repeated, the last one with a
/// valid value applies.
Arguments parse_arguments(std::span<const char* const> texts) noexcept;

} // namespace sesslimit::pam
