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
#include <string>
#include <vector>

namespace sesslimit {

/// Loader of the policy. It loads the policy at the start of the daemon, on a reload, and when a user or group that the
/// policy names begins to exist. The worker thread reads the files and the user database. Every result is written to
/// the journal.
class PolicyManager {
  public:
    struct Dependencies {
        sd_event* loop;
        Worker& worker;
        output::Journal& journal;
        /// Directory that contains policy.toml, policy.d and managed.d.
        std::filesystem::path directory;
        /// Path of the policy cache, which is a file with the last valid policy.
        std::filesystem::path cache;
        /// Puts a policy into effect.
        std::function<void(policy::Policy)> enforce;
        /// Called after each change of the value of origin() or since().
        std::function<void()> changed;
        /// Called after a change of the value of problems() that the callback `changed` does not follow.
        std::function<void()> problems_changed;
    };

    /// Lifetime: the objects that `dependencies` references must outlive the PolicyManager.
    explicit PolicyManager(Dependencies dependencies);
    PolicyManager(const PolicyManager&) = delete;
    PolicyManager& operator=(const PolicyManager&) = delete;
    ~PolicyManager() = default;

    /// Loads the policy at the start of the daemon, and then calls `then`. If the files contain errors, the last valid
    /// policy from the cache takes effect. If the cache does not contain a policy either, a policy without limits takes
    /// effect.
    void load(std::function<void()> then);

    /// Loads the policy files again. If they contain errors, the current policy stays in effect. `then` receives an
    /// empty result on success, or the errors as text.
    void reload(std::function<void(Result<>)> then);

    /// Loads the policy files without putting the policy into effect. `text` replaces the text of the file
    /// `policy.d/NAME`, which need not exist. `then` receives the policy, or its errors as text.
    void load_changed(std::string name, std::string text, std::function<void(Result<policy::Policy>)> then);

    /// Returns the origin of the policy in effect, such as the policy files or the policy cache. If a reload rejects
    /// the files, the origin changes from `files` to `cached`.
    [[nodiscard]] policy_store::PolicyOrigin origin() const { return origin_; }

    /// Returns the errors of the policy files, one line each, if the policy files are not in effect because of them. Of
    /// more than max_listed_problems errors, the last line states the number of the others. Otherwise returns an empty
    /// list.
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

    /// Returns the digest of the texts of the policy in effect (policy::digest()). Returns an empty text if no policy
    /// is in effect.
    [[nodiscard]] const std::string& digest() const { return digest_; }
    [[nodiscard]] const std::filesystem::path& directory() const { return dependencies_.directory; }

    /// Returns the time at which the policy in effect was loaded or last changed.
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
    std::vector<std::string> problems_;
    std::string digest_;
    Timer retry_timer_;
    policy_store::NameRetry name_retry_;
};

} // namespace sesslimit
