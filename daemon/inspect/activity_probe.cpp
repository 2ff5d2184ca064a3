// SPDX-License-Identifier: MIT
#include "daemon/inspect/activity_probe.hpp"

#include "daemon/inspect/cpu_usage.hpp"
#include "daemon/inspect/terminals.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace sesslimit::inspect {
namespace {

std::optional<bool> has_udp_socket(const core::Session& session, Connections& connections) {
    const auto scope = scope_of(session, {});
    struct stat group{};
    return scope && ::stat(scope->c_str(), &group) == 0 ? connections.has_udp_socket(group.st_ino) : std::nullopt;
}

} // namespace

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
        sample.has_udp_socket = has_udp_socket(session, connections);
    }
    if (session.login.connection.empty()) {
        return sample;
    }
    if (const auto traffic = connections.traffic_of(session.login.connection)) {
        sample.traffic = {.bytes_in = traffic->bytes_in,
                          .bytes_out = traffic->bytes_out,
                          .segments_in = traffic->segments_in,
                          .segments_out = traffic->segments_out,
                          .cookie = traffic->cookie};
        sample.since_data = std::min(traffic->since_in, traffic->since_out);
    }
    return sample;
}

} // namespace sesslimit::inspect
