// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/daemon_client.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sesslimit::ctl {

enum class Selinux : std::uint8_t { off, permissive, enforcing };

/// A login that the module admitted although the daemon did not decide. The texts are safe to show.
struct UncountedLogin {
    Usec at = 0; ///< realtime
    std::string user;
    std::string reason; ///< as pam_sesslimit(8) lists it under FAILURES, perhaps with the text of an errno
};

/// Those since `since`, as far as the journal has them.
struct UncountedLogins {
    enum class Source : std::uint8_t {
        journal, ///< the journal was read
        denied,  ///< the caller may not read it
        none,    ///< there is no journal to read
    };
    Source source = Source::none;
    Usec since = 0; ///< realtime
    std::uint32_t count = 0;
    bool complete = true; ///< false: there may be more than were counted
    std::optional<UncountedLogin> last{};
};

/// The host itself, as far as the daemon cannot answer for it.
class Host {
  public:
    Host() = default;
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    virtual ~Host() = default;

    [[nodiscard]] virtual Selinux selinux() = 0;
    [[nodiscard]] virtual UncountedLogins uncounted_logins(Usec since) = 0;
};

} // namespace sesslimit::ctl
