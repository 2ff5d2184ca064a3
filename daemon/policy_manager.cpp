// SPDX-License-Identifier: MIT
#include "daemon/policy_manager.hpp"

#include "daemon/policy_log.hpp"

#include <cerrno>
#include <optional>
#include <utility>

namespace sesslimit {

using output::Priority;
using policy_store::PolicyOrigin;

PolicyManager::PolicyManager(Dependencies dependencies)
    : dependencies_(std::move(dependencies)),
      retry_timer_(dependencies_.loop, CLOCK_MONOTONIC, [this] { name_retry_.due(); }),
      name_retry_(name_retry_dependencies()) {}

void PolicyManager::load(std::function<void()> then) {
    read_files([this, then = std::move(then)](policy_store::LoadResult loaded) {
        log_loaded_policy(loaded, /*at_start=*/true, dependencies_.journal);
        apply(std::move(loaded));
        then();
    });
}

void PolicyManager::reload(std::function<void(Result<>)> then) {
    read_files([this, then = std::move(then)](policy_store::LoadResult loaded) {
        log_loaded_policy(loaded, /*at_start=*/false, dependencies_.journal);
        if (loaded.from == PolicyOrigin::files) {
            apply(std::move(loaded));
            return then({});
        }
        const std::vector<std::string> before = std::exchange(problems_, error_lines(loaded.problems));
        if (origin_ == PolicyOrigin::files) {
            // The reload rejected the policy files, so the policy in effect no longer corresponds to them.
            origin_ = PolicyOrigin::cached;
            dependencies_.changed();
        } else if (problems_ != before) {
            dependencies_.problems_changed();
        }
        then(fail(text_of(loaded.problems), EBADMSG));
    });
}

void PolicyManager::load_changed(std::string name, std::string text, std::function<void(Result<policy::Policy>)> then) {
    dependencies_.worker.submit([directory = dependencies_.directory, name = std::move(name), text = std::move(text),
                                 then = std::move(then)]() mutable -> Worker::Done {
        policy::ReadTexts read = policy::read_texts(directory);
        put_text(read.texts, {directory / "policy.d" / name, policy::Tier::host, std::move(text)});
        policy::SystemNames names;
        policy::Loaded loaded = policy::load_files(read, names);
        return [then = std::move(then), changed = loaded.policy ? Result<policy::Policy>(*std::move(loaded.policy))
                                                                : fail(text_of(loaded.problems), EBADMSG)]() mutable {
            then(std::move(changed));
        };
    });
}

void PolicyManager::read_files(std::function<void(policy_store::LoadResult)> then) {
    dependencies_.worker.submit([directory = dependencies_.directory, cache = dependencies_.cache,
                                 then = std::move(then)]() mutable -> Worker::Done {
        policy::SystemNames names;
        return [then = std::move(then), loaded = policy_store::load_or_fall_back(directory, cache, names)]() mutable {
            then(std::move(loaded));
        };
    });
}

void PolicyManager::apply(policy_store::LoadResult loaded) {
    origin_ = loaded.from;
    problems_ = origin_ == PolicyOrigin::files ? std::vector<std::string>{} : error_lines(loaded.problems);
    digest_ = loaded.digest;
    enforce(std::move(loaded.policy));
    name_retry_.begin(loaded.unresolved);
}

void PolicyManager::enforce(policy::Policy policy) {
    since_ = boottime_now();
    dependencies_.enforce(std::move(policy));
    dependencies_.changed();
}

policy_store::NameRetry::Dependencies PolicyManager::name_retry_dependencies() {
    return {
        .arm = [this](std::optional<Duration> pause) { arm_name_retry(pause); },
        .ask =
            [this](auto then) {
                dependencies_.worker.submit([cache = dependencies_.cache, then = std::move(then)]() -> Worker::Done {
                    policy::SystemNames names;
                    return
                        [then, found = policy_store::look_up_again(cache, names)]() mutable { then(std::move(found)); };
                });
            },
        .found =
            [this](policy::Policy policy) {
                dependencies_.journal.log(
                    Priority::info,
                    "Found users or groups of the policy that did not exist when the policy was loaded.");
                enforce(std::move(policy));
            }};
}

void PolicyManager::arm_name_retry(std::optional<Duration> pause) {
    if (!pause) {
        return retry_timer_.disarm();
    }
    if (const auto armed = retry_timer_.arm_in(*pause); !armed) {
        dependencies_.journal.log(Priority::warning,
                                  "Failed to schedule another lookup of the missing users and groups of the policy. "
                                  "They are looked up again only when the policy is reloaded: " +
                                      armed.error().what);
    }
}

} // namespace sesslimit
