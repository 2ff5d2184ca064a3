// SPDX-License-Identifier: MIT
#include "ctl/audit/sshd.hpp"

#include "common/duration.hpp"
#include "daemon/host_config/sshd_config.hpp"

namespace sesslimit::audit {
namespace {

std::optional<std::uint64_t> seconds_in(std::string_view text) {
    const auto span = parse_span(text);
    return span ? std::optional<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(*span).count()) : std::nullopt;
}

} // namespace

void read_sshd(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native) {
    const auto read = [&native](const host_config::SshdSetting& setting) {
        const std::string& value = setting.arguments.front();
        if (setting.keyword == "clientaliveinterval") {
            native.alive_interval.push_back({seconds_in(value), setting.for_all, setting.at, setting.in_match_all});
        } else if (setting.keyword == "clientalivecountmax") {
            native.alive_count.push_back(
                {host_config::number_in(value), setting.for_all, setting.at, setting.in_match_all});
        } else if (setting.keyword == "maxsessions") {
            native.ssh_sessions.push_back(
                {host_config::number_in(value), setting.for_all, setting.at, setting.in_match_all});
        }
    };
    host_config::for_each_sshd_setting(matching, read, host_config::MatchBlocks::included);
    native.sshd_without_pam = host_config::sshd_without_pam(matching);
}

} // namespace sesslimit::audit
