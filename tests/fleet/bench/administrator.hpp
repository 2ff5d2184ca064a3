// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/admin.hpp"
#include "tests/fleet/bench/host.hpp"

#include <nlohmann/json.hpp>

namespace sesslimit::fleet::bench {

/// An administrator who terminates the sessions of a user on all hosts: the request as sesslimit-fleetd handles it,
/// with a connection to etcd of its own.
class Administrator final : AdminEffects {
  public:
    /// Starts the request. `order` is the number of the order. Lifetime: `loop` must outlive the object.
    Administrator(sd_event* loop, const Options& options, std::uint64_t order, Duration timeout);
    Administrator(const Administrator&) = delete;
    Administrator& operator=(const Administrator&) = delete;
    ~Administrator() override = default;

    [[nodiscard]] bool is_done() const { return request_.is_done(); }
    /// Returns when the request was started, the times until each host has answered and until the request was
    /// completed, the hosts that have not answered, and the reason of a failure.
    [[nodiscard]] nlohmann::json result() const;

  private:
    void call(std::uint64_t id, const Call& call) override { client_->call(id, call); }
    void watch(const KeyRange& keys, std::int64_t revision) override;
    void send(const admin::Row& row) override;
    void leave(const std::string& /*reason*/) override {}
    void go_on();

    AdminRequest request_;
    Timer timer_;
    std::optional<etcd::Client> client_;
    BootTime began_ = boottime_now();
    std::vector<std::int64_t> answered_{};
    std::vector<std::string> missing_{};
    std::int64_t completed_ = 0;
    std::string error_{};
};

} // namespace sesslimit::fleet::bench
