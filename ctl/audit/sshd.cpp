// SPDX-License-Identifier: MIT
#include "ctl/audit/sshd.hpp"

#include "common/duration.hpp"

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
        const auto add = [&setting](std::vector<SshdValue>& values, std::optional<std::uint64_t> number) {
            values.push_back({number, setting.scope, setting.at});
        };
        if (setting.keyword == "clientaliveinterval") {
            add(native.alive_interval, seconds_in(value));
        } else if (setting.keyword == "clientalivecountmax") {
            add(native.alive_count, host_config::number_in(value));
        } else if (setting.keyword == "maxsessions") {
            add(native.ssh_sessions, host_config::number_in(value));
        }
    };
    host_config::for_each_sshd_setting(matching, read, host_config::MatchBlocks::included);
    native.sshd_without_pam = host_config::sshd_without_pam(matching);
}

} // namespace sesslimit::audit
