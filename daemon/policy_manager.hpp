// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/output/journal.hpp"
#include "daemon/policy_store/name_retry.hpp"
#include "daemon/policy_store/policy_cache.hpp"
#include "daemon/worker.hpp"

#include <filesystem>
#include <functional>

namespace sesslimit {

/// Loads the policy at the start, on a reload, and when users or groups that the policy names begin to exist. Files and
/// the user database are read by the worker. Every result is written to the journal.
class PolicyManager {
  public:
    struct Dependencies {
        sd_event* loop;
        Worker& worker;
        output::Journal& journal;
        std::filesystem::path directory;             ///< directory of policy.toml, policy.d and managed.d
        std::filesystem::path cache;                 ///< file of the policy cache
        std::function<void(policy::Policy)> enforce; ///< puts a policy into effect
        std::function<void()> changed;               ///< called after each change of origin() or since()
    };

    /// Lifetime: the referenced objects must outlive this object.
    explicit PolicyManager(Dependencies dependencies);
    PolicyManager(const PolicyManager&) = delete;
    PolicyManager& operator=(const PolicyManager&) = delete;
    ~PolicyManager() = default;

    /// Loads the policy, or the last valid policy from the cache if the files contain errors. Then calls `then`.
    /// Without either, a policy without limits is in effect.
    void load(std::function<void()> then);

    /// Loads the policy again. `then` receives the errors of the policy files as text. After an error the current
    /// policy stays in effect.
    void reload(std::function<void(Result<>)> then);

    /// Returns the origin of the policy in effect. Returns `cached` if the files have been rejected since.
    [[nodiscard]] policy_store::PolicyOrigin origin() const { return origin_; }

    /// Returns the time at which the policy took effect.
    [[nodiscard]] BootTime since() const { return since_; }

  private:
    void read_files(std::function<void(policy_store::LoadResult)> then);
    void apply(policy_store::LoadResult loaded);
    void enforce(policy::Policy policy);
    [[nodiscard]] policy_store::NameRetry::Dependencies name_retry_dependencies();
    void arm_name_retry(std::optional<Duration> pause);

    Dependencies dependencies_;
    policy_store::PolicyOrigin origin_ = policy_store::PolicyOrigin::none;
    BootTime since_{};
    Timer retry_timer_;
    policy_store::NameRetry name_retry_;
};

} // namespace sesslimit
