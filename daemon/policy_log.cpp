// SPDX-License-Identifier: MIT
#include "daemon/policy_log.hpp"

#include "daemon/messages/journal_entry.hpp"

namespace sesslimit {
namespace {

using output::Priority;

std::string remaining(std::size_t problems) {
    return "... and " + std::to_string(problems - max_listed_problems) + " more.";
}

void log_problems(const std::vector<policy::Problem>& problems, output::Journal& journal) {
    std::size_t listed = 0;
    for (const policy::Problem& problem : problems) {
        if (++listed > max_listed_problems) {
            return journal.log(Priority::warning, remaining(problems.size()));
        }
        journal.log(is_error(problem) ? Priority::error : Priority::warning, policy::format(problem));
    }
}

} // namespace

void log_loaded_policy(const policy_store::LoadResult& loaded, bool at_start, output::Journal& journal) {
    using policy_store::PolicyOrigin;
    log_problems(loaded.problems, journal);
    for (const Error& error : loaded.errors) {
        journal.log(Priority::warning, "Failed to cache the policy: " + error.what);
    }
    if (loaded.from == PolicyOrigin::files) {
        const std::size_t rules = loaded.policy.managed.rules.size() + loaded.policy.host.rules.size();
        return journal.log(Priority::info,
                           "Loaded policy with " + std::to_string(rules) + (rules == 1 ? " rule." : " rules."),
                           messages::policy_loaded_id, "policy-loaded");
    }
    std::string then = "Keeping the current policy.";
    if (at_start) {
        then = loaded.from == PolicyOrigin::cached ? "Using the last valid policy."
                                                   : "No previous policy available: running WITHOUT LIMITS.";
    }
    journal.log(Priority::error, "Policy rejected because of the errors above. " + then, messages::policy_rejected_id,
                "policy-rejected");
}

std::vector<std::string> error_lines(const std::vector<policy::Problem>& problems) {
    std::vector<std::string> lines;
    for (policy::Problem problem : problems) {
        if (is_error(problem)) {
            problem.excerpt.clear();
            lines.push_back(policy::format(problem));
        }
    }
    if (const std::size_t errors = lines.size(); errors > max_listed_problems) {
        lines.resize(max_listed_problems);
        lines.push_back(remaining(errors));
    }
    return lines;
}

std::string text_of(const std::vector<policy::Problem>& problems) {
    std::string text;
    for (const policy::Problem& problem : problems) {
        text += (text.empty() ? "" : "\n") + policy::format(problem);
    }
    return text;
}

} // namespace sesslimit
