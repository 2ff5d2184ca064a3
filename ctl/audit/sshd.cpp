// SPDX-License-Identifier: MIT
#include "ctl/audit/sshd.hpp"

#include "common/duration.hpp"
#include "daemon/host_config/sshd_config.hpp"

namespace sesslimit::audit {
namespace {

void note(std::optional<std::uint64_t> value, const Line& line, std::optional<Found<std::uint64_t>>& into) {
    if (value && !into) {
        into = {*value, line};
    }
}

} // namespace

void read_sshd(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native) {
    host_config::for_each_sshd_setting(matching, [&native](const host_config::SshdSetting& setting) {
        const std::string& value = setting.arguments.front();
        if (setting.keyword == "clientaliveinterval") {
            const auto span = parse_span(value);
            if (span && !native.alive_interval) {
                native.alive_interval = {*span, setting.at};
            }
        } else if (setting.keyword == "clientalivecountmax") {
            note(host_config::number_in(value), setting.at, native.alive_count);
        } else if (setting.keyword == "maxsessions") {
            note(host_config::number_in(value), setting.at, native.ssh_sessions);
        }
    });
    native.sshd_without_pam = host_config::sshd_without_pam(matching);
}

} // namespace sesslimit::audit
