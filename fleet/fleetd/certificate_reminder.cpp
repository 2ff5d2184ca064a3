// SPDX-License-Identifier: MIT
#include "fleet/fleetd/certificate_reminder.hpp"

#include "common/duration.hpp"
#include "common/text.hpp"

#include <utility>

namespace sesslimit::fleet {

CertificateReminder::Notice CertificateReminder::on_loaded(BootTime now, WallTime wall,
                                                           etcd::CertificateInfo certificate) {
    certificate_ = std::move(certificate);
    next_ = after(now, interval);
    return describe(wall);
}

std::optional<CertificateReminder::Notice> CertificateReminder::on_time(BootTime now, WallTime wall) {
    if (now < next_) {
        return std::nullopt;
    }
    next_ = after(now, interval);
    Notice notice = describe(wall);
    return notice.is_warning ? std::optional(std::move(notice)) : std::nullopt;
}

CertificateReminder::Notice CertificateReminder::describe(WallTime wall) const {
    const Duration left = certificate_.expires - wall;
    const std::string name = escape_for_display(certificate_.common_name);
    if (left <= Duration{}) {
        return {true, "The certificate of " + name + " has expired. Replace " + escape_for_display(file_) + "."};
    }
    const std::string hours = format_span(std::chrono::floor<std::chrono::hours>(left));
    return {left < warning_time,
            "The certificate is that of the etcd user " + name + ", and expires in " + hours + "."};
}

} // namespace sesslimit::fleet
