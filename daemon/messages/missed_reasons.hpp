// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace sesslimit::messages {

/// Reasons of terminations and denials that could not be shown on a terminal, until the next login of the user. Only
/// the latest reason of each user is kept.
class MissedReasons {
  public:
    static constexpr Duration max_age = std::chrono::hours(7 * 24);
    static constexpr std::size_t max_users = 1000;
    /// Maximum length of a text in bytes.
    static constexpr std::size_t max_length = 1024;

    /// Keeps a reason, which replaces an earlier one. `text` is one line that is already escaped for display. A longer
    /// text is truncated. If there are reasons for too many users, the oldest one is dropped.
    void keep(uid_t user, BootTime now, std::string_view text);

    /// Returns the reason for a user, or an empty text if there is none, or if it is older than max_age.
    [[nodiscard]] std::string_view find(uid_t user, BootTime now) const;

    void forget(uid_t user) { reasons_.erase(user); }

    /// Formats all reasons for a file, one line each: the user ID, the time in microseconds of CLOCK_BOOTTIME, and the
    /// text.
    [[nodiscard]] std::string serialized() const;

    /// Adds the reasons of such a file, except those of users who have a reason already. Ignores invalid lines.
    void add(std::string_view file, BootTime now);

    /// Maximum size of the file in bytes.
    static constexpr std::size_t max_file_size = max_users * (max_length + 64);

  private:
    struct Reason {
        BootTime at;
        std::string text;
    };
    std::map<uid_t, Reason> reasons_;
};

} // namespace sesslimit::messages
