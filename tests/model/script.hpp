// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// Scripts of events on a host. A step selects its object by numbers modulo the count of objects. Therefore each part
/// of a script is a valid script, and scripts can be shrunk.
namespace sesslimit::model {

enum class What : std::uint8_t {
    open,      ///< a new login process asks
    ask_again, ///< an existing process asks, possibly again
    show,      ///< logind shows its session
    greeter,   ///< the same, but the session's class does not count
    close,     ///< PAM closes it
    die,       ///< the process exits
    forget,    ///< logind removes its session
    hang_up,   ///< a waiting client hangs up
    end,       ///< its termination is requested
    type,      ///< a key that its terminal's timestamp shows
    hear,      ///< a key that is reported as input
    look,      ///< an unrequested probe result
    send,      ///< it sends data over a TCP socket
    groups,    ///< its user joins or leaves the team
    adopt,     ///< logind shows a session that PAM did not report
    wait,      ///< milliseconds
    stay,      ///< seconds
    leap,      ///< minutes: the host is suspended or nothing happens
    clock,     ///< the wall clock is set, by up to an hour
    policy,    ///< another plan
    fleet,     ///< the fleet is down, up, or the daemon connects to it
    answer,    ///< the fleet answers a claim, or reports that a session is beyond the limit
    restart,   ///< the daemon restarts from its records; some processes exit in the meantime
};
inline constexpr std::uint8_t kinds = static_cast<std::uint8_t>(What::restart) + 1;

struct Step {
    What what{};
    std::uint32_t who = 0;
    std::uint32_t how = 0;
    std::uint32_t more = 0;
    bool operator==(const Step&) const = default;
};
using Script = std::vector<Step>;

/// Returns the script of a seed, always the same one.
Script script_of(std::uint64_t seed);

/// Returns the shortest part of the script that still fails, found by omitting halves, quarters and so on.
Script shrunk(Script script, const std::function<bool(const Script&)>& fails);

/// Formats the script with one step per line, including the content of plans.
std::string described(const Script& script);

} // namespace sesslimit::model
