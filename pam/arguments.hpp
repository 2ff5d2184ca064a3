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

/// What to do with a login when nobody could decide about it.
enum class OnError { allow, deny };

/// What stands behind the module's name in a PAM service file. Pointers are into the parsed texts.
struct Arguments {
    Duration timeout = std::chrono::seconds(2); ///< `timeout=SPAN`, 1 ms to 1 h: for the whole call to the daemon
    OnError on_error = OnError::allow;          ///< `on_error=allow|deny`
    bool quiet = false;                         ///< `quiet`: no text to the user
    bool debug = false;                         ///< `debug`: say in the log what went well, too
    const char* socket = wire::default_socket;  ///< `socket=PATH`, absolute, short enough for unix(7)

    /// What was not understood and has no effect, for the log: the first of `ignored_count`.
    std::array<const char*, 8> ignored{};
    std::size_t ignored_count = 0;
};

/// How an argument is written: "name" alone, or "name=" and a value. pam_sesslimit(8) lists the same.
struct ArgumentForm {
    std::string_view name;
    bool takes_value = false;
};
/// All that there are.
std::span<const ArgumentForm> argument_forms() noexcept;

/// Reads a module's arguments. A null pointer among them is passed over; where one is given twice the last one holds;
/// one with a bad value leaves what was before.
Arguments parse_arguments(std::span<const char* const> texts) noexcept;

} // namespace sesslimit::pam
