// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "fleet/etcd/credentials.hpp"

#include <optional>
#include <string>

namespace sesslimit::fleet {

/// Decides when the journal states the end of the host's certificate: after the certificate was loaded, and each day in
/// the last two weeks and after its end. It has no clock and writes no log.
class CertificateReminder {
  public:
    /// Remaining time below which the end is a warning.
    static constexpr Duration warning_time = std::chrono::days(14);
    static constexpr Duration interval = std::chrono::days(1);

    struct Notice {
        bool is_warning = false;
        std::string text{};
        bool operator==(const Notice&) const = default;
    };

    /// `file` is the name of the certificate's file, which a notice names if it must be replaced.
    explicit CertificateReminder(std::string file) : file_(std::move(file)) {}

    /// Handles a certificate that was loaded. Returns the line to log.
    Notice on_loaded(BootTime now, WallTime wall, etcd::CertificateInfo certificate);
    /// Handles that deadline() has been reached. Returns the line to log, if any.
    std::optional<Notice> on_time(BootTime now, WallTime wall);
    /// Returns the time at which on_time() must be called.
    [[nodiscard]] BootTime deadline() const { return next_; }

  private:
    [[nodiscard]] Notice describe(WallTime wall) const;

    std::string file_;
    etcd::CertificateInfo certificate_{};
    BootTime next_ = never;
};

} // namespace sesslimit::fleet
