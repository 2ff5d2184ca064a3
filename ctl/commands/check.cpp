// SPDX-License-Identifier: MIT
#include "ctl/commands/check.hpp"

#include "common/text.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/json.hpp"
#include "daemon/policy/resolve.hpp"

#include <algorithm>
#include <iterator>

namespace sesslimit::ctl {
namespace {

using policy::Problem;

struct Checked {
    std::size_t files = 0;
    std::vector<Problem> problems;
};

void take(std::vector<Problem>& all, std::vector<Problem> problems) {
    std::ranges::move(problems, std::back_inserter(all));
}

/// Returns a warning for each table that limits sessions in the fleet if sesslimit-fleetd is not set up on this host.
std::vector<Problem> fleet_warnings(const policy::Policy& policy, const CheckRequest& request) {
    const bool is_set_up = std::ranges::any_of(request.fleet_files, [](const std::string& file) {
        std::error_code ignored;
        return std::filesystem::exists(file, ignored);
    });
    std::vector<Problem> warnings;
    const auto check = [&](const policy::Settings& settings) {
        const auto& limit = settings.max_sessions_fleet;
        if (limit && limit->value != policy::unlimited_count) {
            const policy::Location at = policy::location_of(policy, limit->from, limit->line);
            warnings.push_back({.severity = Problem::Severity::warning,
                                .path = at.file,
                                .line = at.line,
                                .column = 1,
                                .what = "max_sessions_fleet requires sesslimit-fleetd, which is not set up on this "
                                        "host; sessions on other hosts are not counted",
                                .excerpt = {}});
        }
    };
    for (const policy::TierPolicy* tier : {&policy.managed, &policy.host}) {
        check(tier->defaults);
        std::ranges::for_each(tier->rules, check, &policy::Rule::settings);
    }
    return is_set_up ? std::vector<Problem>() : warnings;
}

Checked check_files(const CheckRequest& request, policy::Names& names) {
    Checked checked;
    for (const std::string& file : request.files) {
        ++checked.files;
        auto text = policy::read_text(file, request.tier);
        if (!text) {
            checked.problems.push_back(std::move(text.error()));
            continue;
        }
        take(checked.problems, policy::load({*std::move(text)}, names).problems);
    }
    return checked;
}

Checked check_directory(const CheckRequest& request, policy::Names& names) {
    const policy::ReadTexts read = policy::read_texts(request.directory);
    policy::Loaded loaded = policy::load_files(read, names);
    if (loaded.policy) {
        take(loaded.problems, fleet_warnings(*loaded.policy, request));
    }
    return {read.texts.size(), std::move(loaded.problems)};
}

std::string summary(const Checked& checked, const CheckRequest& request) {
    if (checked.files == 0 && checked.problems.empty()) {
        return "No policy file in " + escape_for_display(request.directory) + ": no limits would apply.\n";
    }
    const auto errors = static_cast<std::size_t>(std::ranges::count_if(checked.problems, policy::is_error));
    const std::size_t warnings = checked.problems.size() - errors;
    std::string text = counted(checked.files, "file") + " checked: ";
    text += errors == 0 ? "no error" : counted(errors, "error");
    return text + (warnings == 0 ? "" : ", " + counted(warnings, "warning")) + ".\n";
}

std::string problems_text(const std::vector<Problem>& problems) {
    std::string text;
    for (const Problem& problem : problems) {
        text += policy::format(problem) + '\n';
    }
    return text;
}

} // namespace

Exit check(const CheckRequest& request, policy::Names& names, Console& console) {
    std::error_code error;
    if (request.files.empty() && request.directory_given && !std::filesystem::is_directory(request.directory, error)) {
        console.complain(escape_for_display(request.directory, 4096) + ": " +
                         (error ? error.message() : "Not a directory"));
        return Exit::failed;
    }
    const Checked checked = request.files.empty() ? check_directory(request, names) : check_files(request, names);
    if (console.style().json != Json::off) {
        console.print(json_of(checked.problems, console.style().json));
    } else {
        console.print(problems_text(checked.problems));
        if (console.style().legend) {
            console.print(summary(checked, request));
        }
    }
    return std::ranges::any_of(checked.problems, policy::is_error) ? Exit::failed : Exit::ok;
}

} // namespace sesslimit::ctl
