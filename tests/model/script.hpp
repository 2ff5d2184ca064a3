// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// Scripts of what happens on a host. A step names what it is about by numbers that are taken modulo what there is, so
/// that any part of a script is a script: that is what makes them shrink.
namespace sesslimit::model {

enum class What : std::uint8_t {
    open,      ///< a new login process asks
    ask_again, ///< one that is there asks (once more)
    show,      ///< logind has its session
    greeter,   ///< the same, but it is none that counts
    close,     ///< PAM closes it
    die,       ///< the process exits
    forget,    ///< logind has it no longer
    hang_up,   ///< an asker goes away
    end,       ///< somebody asks for its end
    type,      ///< a key, which its terminal's clock shows
    hear,      ///< a key, which is heard
    look,      ///< what is to be seen of it, unasked
    groups,    ///< its user is in the team, or is not
    adopt,     ///< logind has a session that PAM never told of
    wait,      ///< milliseconds
    stay,      ///< seconds
    leap,      ///< minutes: a suspended host, or nothing happens
    policy,    ///< another plan
    restart,   ///< the daemon, from what it had recorded; meanwhile some go
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

/// The script of that seed, the same one each time.
Script script_of(std::uint64_t seed);

/// The shortest script that still `fails`, found by leaving out halves, quarters and so on of it.
Script shrunk(Script script, const std::function<bool(const Script&)>& fails);

/// One step a line, with what its plan says.
std::string described(const Script& script);

} // namespace sesslimit::model
