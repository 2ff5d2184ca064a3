// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/backend.hpp"
#include "daemon/api/quota.hpp"
#include "daemon/engine.hpp"
#include "daemon/inspect/session_snapshots.hpp"
#include "daemon/ledger_recorder.hpp"
#include "daemon/policy_manager.hpp"
#include "daemon/worker.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace sesslimit {

/// Implementation of api::Backend, the interface through which the D-Bus service reads the state of the daemon,
/// terminates sessions and reloads the policy.
class DaemonBackend final : public api::Backend {
  public:
    /// Maximum number of pending lookups in the user database for all D-Bus callers together.
    static constexpr std::size_t max_lookups = 64;
    /// Maximum number of pending lookups in the user database for the D-Bus calls of one user.
    static constexpr std::size_t max_lookups_per_user = 16;

    struct Dependencies {
        core::EventSink& events;
        const Engine& engine;
        Worker& worker;
        PolicyManager& policies;
        LedgerRecorder& recorder;
        inspect::SessionSnapshots& snapshots;
    };

    /// Lifetime: the objects that `dependencies` references must outlive the DaemonBackend.
    explicit DaemonBackend(Dependencies dependencies) : dependencies_(dependencies) {}

    [[nodiscard]] const core::State& state() const override { return dependencies_.engine.state(); }
    [[nodiscard]] const policy::Policy& policy() const override { return dependencies_.engine.policy(); }
    [[nodiscard]] api::Status status() const override;
    [[nodiscard]] api::WallClock moment() const override;
    const inspect::TerminalSnapshot& terminal_snapshot(const core::Session& session) override;
    const inspect::TerminationPreview& termination_preview(const core::Session& session) override;
    void end(SessionKey key, const core::Requester& by) override;
    void reload(std::function<void(Result<>)> then) override { dependencies_.policies.reload(std::move(then)); }
    void load_changed(std::string name, std::string text, std::function<void(Result<policy::Policy>)> then) override {
        dependencies_.policies.load_changed(std::move(name), std::move(text), std::move(then));
    }
    bool look_up(uid_t caller, api::ExplainQuery question, std::function<void(std::optional<Login>)> then) override;

  private:
    Dependencies dependencies_;
    api::Quota<uid_t> look_ups_{max_lookups, max_lookups_per_user};
};

} // namespace sesslimit
