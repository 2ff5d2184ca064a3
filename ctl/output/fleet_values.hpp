// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/fleet_client.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit::ctl {

/// Converts seconds since the Epoch to microseconds.
inline Usec usec_of(std::uint64_t seconds) {
    constexpr Usec per_second = 1'000'000;
    return std::min(seconds, infinity / per_second) * per_second;
}

/// Formats an ID of etcd in hexadecimal digits, as etcdctl does.
inline std::string id_text(std::uint64_t id) {
    std::array<char, 16> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), id, 16);
    return {text.data(), end};
}

/// Compares hosts with this host, or with the first one if this host is not in the list.
class HostComparison {
  public:
    explicit HostComparison(const std::vector<FleetHost>& hosts) {
        const auto own = std::ranges::find(hosts, true, &FleetHost::is_this);
        if (!hosts.empty()) {
            reference_ = own == hosts.end() ? hosts.front() : *own;
        }
    }
    /// Returns false for a host whose daemon has not reported its policy yet.
    [[nodiscard]] bool has_other_policy(const FleetHost& host) const {
        return !host.policy.empty() && !reference_.policy.empty() && host.policy != reference_.policy;
    }
    [[nodiscard]] bool has_other_version(const FleetHost& host) const { return host.version != reference_.version; }

  private:
    FleetHost reference_{};
};

/// Returns the number of revisions by which a node is behind the most recent one.
inline std::optional<std::uint64_t> lag_of(const FleetReply& reply, const FleetNode& node) {
    std::uint64_t latest = 0;
    for (const FleetNode& other : reply.nodes) {
        latest = std::max(latest, other.revision.value_or(0));
    }
    return node.revision ? std::optional(latest - *node.revision) : std::nullopt;
}

} // namespace sesslimit::ctl
