// SPDX-License-Identifier: MIT
#include "daemon/inspect/activity_probe.hpp"

#include "daemon/inspect/cpu_usage.hpp"
#include "daemon/inspect/ssh_channel.hpp"
#include "daemon/inspect/terminals.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace sesslimit::inspect {
namespace {

/// Time without an acknowledgment of sent data after which the peer of a socket counts as dead.
constexpr Duration dead_peer = std::chrono::seconds(10);

} // namespace

std::optional<ino_t> control_group_of(const core::Session& session) {
    const auto scope = session.scope.empty() ? std::nullopt : scope_of(session, host_paths);
    struct stat group{};
    return scope && ::stat(scope->c_str(), &group) == 0 ? std::optional(group.st_ino) : std::nullopt;
}

core::SocketSample socket_sample_of(const Traffic& traffic, BootTime now) {
    return {.cookie = traffic.cookie,
            .bytes_in = traffic.bytes_in,
            .bytes_out = traffic.bytes_out,
            .segments_in = traffic.segments_in,
            .segments_out = traffic.segments_out,
            .last_in = now - traffic.since_in,
            .last_out = now - traffic.since_out,
            .is_dead = traffic.unacknowledged >= dead_peer};
}

Result<core::ActivitySample> activity_sample_of(const core::Session& session, Connections& connections) {
    const auto terminals = terminals_of(session);
    if (!terminals) {
        return std::unexpected(terminals.error());
    }
    const auto processor_time = processor_time_of(session);
    if (!processor_time) {
        return std::unexpected(processor_time.error());
    }
    const auto input = youngest_input(*terminals);
    if (!input) {
        return std::unexpected(input.error());
    }
    const auto output = youngest_output(*terminals);
    if (!output) {
        return std::unexpected(output.error());
    }
    core::ActivitySample sample;
    sample.input = *input;
    sample.output = *output;
    sample.processor_time = *processor_time;
    if (session.phase == core::Phase::left_behind) {
        const auto group = control_group_of(session);
        sample.has_udp_socket = group ? connections.has_udp_socket(*group) : std::nullopt;
    }
    if (!session.login.connection.empty()) {
        const auto channel = has_channel_without_terminal(session.leader);
        if (!channel) {
            return std::unexpected(channel.error());
        }
        sample.has_channel = *channel;
    }
    return sample;
}

} // namespace sesslimit::inspect
