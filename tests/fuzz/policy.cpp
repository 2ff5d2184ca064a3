// SPDX-License-Identifier: MIT
// Whole policy files and their effective limits for several logins. A form feed, which TOML does not permit, ends a
// file. Every second file belongs to the managed tier.
#include "common/text.hpp"
#include "daemon/policy/explain.hpp"
#include "daemon/policy/load.hpp"
#include "daemon/policy/resolve.hpp"
#include "daemon/policy/template.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/support/names.hpp"

#include <algorithm>
#include <tuple>

namespace sesslimit::fuzz {
namespace {

using namespace policy;

std::vector<SourceText> files_of(std::span<const std::uint8_t> bytes) {
    std::vector<SourceText> files;
    Input input(bytes);
    do {
        const std::size_t number = files.size();
        files.push_back({"f" + std::to_string(number) + ".toml", number % 2 == 1 ? Tier::managed : Tier::host,
                         std::string(input.part('\f'))});
    } while (!input.empty() && files.size() < 4);
    return files;
}

std::vector<Login> logins() {
    Login alice{.user = "alice",
                .uid = 1001,
                .gids = {50, 1001, 3000},
                .service = "sshd",
                .tty = "ssh",
                .rhost = "10.1.2.3",
                .ruser = "",
                .credential = {.method = "publickey",
                               .fingerprint = "SHA256:PMGHOymEYlK9vwLYV3L5DhJVhFFqXkS9A+ND7iaGpvw",
                               .certificate_id = "id ed",
                               .ca = "SHA256:xv69rfhchGur538extuc+ur/ppnawaxL+3ybJOaec6w"},
                .connection = "10.1.2.3 50000 10.0.0.1 22"};
    Login root{.user = "root",
               .uid = 0,
               .gids = {0},
               .service = "login",
               .tty = "tty1",
               .rhost = "",
               .ruser = "",
               .seat = "seat0",
               .credential = {},
               .connection = ""};
    Login hostile{.user = std::string(255, '\x1b'),
                  .uid = 4'294'967'294,
                  .gids = {4'294'967'295},
                  .service = "\xff",
                  .tty = "",
                  .rhost = "h.example.org.",
                  .ruser = "\n",
                  .credential = {},
                  .connection = "x",
                  .gids_cut = true};
    Login job{.user = "bob",
              .uid = 1002,
              .gids = {4},
              .service = "cron",
              .tty = "cron",
              .rhost = "",
              .ruser = "",
              .credential = {},
              .connection = "",
              .nested = true};
    return {alice, root, hostile, job};
}

bool is_text(std::string_view text) { // one or more lines, all safe to show
    for (Input lines({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}); !lines.empty();) {
        if (!is_safe_line(lines.part('\n'))) {
            return false;
        }
    }
    return true;
}

void is_problem(const Problem& problem, const std::vector<SourceText>& files) {
    const auto file = std::ranges::find(files, problem.path, &SourceText::path);
    must(file != files.end(), "a problem belongs to a file");
    const auto lines = static_cast<std::size_t>(std::ranges::count(file->text, '\n')) + 1;
    must(problem.line <= lines, "its line is in the file");
    must(problem.column <= file->text.size() + 1, "its column is in the file");
    must(!problem.what.empty() && is_safe_line(problem.what), "it has a message that is safe to show");
    must(is_text(format(problem)), "it is safe to show with its line");
    must(std::ranges::count(format(problem), '\n') <= 2, "it has one to three lines");
}

void are_problems(const Loaded& loaded, const std::vector<SourceText>& files) {
    const auto place = [](const Problem& problem) { return std::tie(problem.path, problem.line, problem.column); };
    must(std::ranges::is_sorted(loaded.problems, {}, place), "problems are sorted");
    must(loaded.problems.size() <= 500, "the number of problems is bounded");
    bool error = false;
    for (const Problem& problem : loaded.problems) {
        is_problem(problem, files);
        error = error || problem.severity == Problem::Severity::error;
    }
    must(loaded.policy.has_value() != error, "there is a policy unless there is an error");
}

/// Checks that each limit of both tiers is the stricter one of the two.
void the_stricter_tier_wins(const Policy& policy, const Login& login) {
    Policy managed = policy;
    managed.host = {};
    Policy host = policy;
    host.managed = {};
    const Limits both = resolve(policy, login);
    const Limits one = resolve(managed, login);
    const Limits two = resolve(host, login);
    const auto strictest = [&](auto setting) { return std::min((one.*setting).value, (two.*setting).value); };
    must(both.max_sessions.value == strictest(&Limits::max_sessions), "max_sessions");
    must(both.max_duration.value == strictest(&Limits::max_duration), "max_duration");
    must(both.idle_timeout.value == strictest(&Limits::idle_timeout), "idle_timeout");
    must(both.idle_timeout_no_terminal.value == strictest(&Limits::idle_timeout_no_terminal), "without a terminal");
    must(both.shared_limits.size() == one.shared_limits.size() + two.shared_limits.size(), "all shared limits apply");
    must(std::ranges::is_sorted(both.warn_before, std::greater{}), "warnings: longest first");
    for (const Duration span : one.warn_before) {
        must(std::ranges::find(both.warn_before, span) != both.warn_before.end(), "warnings: the union");
    }
    must(faults_of(both.message.value, message_placeholders).empty() && both.message.value.size() <= max_message_length,
         "a message is valid");
    must(faults_of(both.message_of_end.value, message_of_end_placeholders).empty() &&
             both.message_of_end.value.size() <= max_end_message_length,
         "the message of an end is valid");
}

void is_explained(const Policy& policy, const Login& login) {
    const Explanation explained = explain(policy, login);
    must(explained.counts == counts(policy, login), "the explanation agrees on counting");
    must(!explained.why.empty() && is_safe_line(explained.why), "it gives a reason");
    for (const ExplainedSetting& setting : explained.settings) {
        must(!setting.name.empty() && is_safe_line(setting.value), "a setting is safe to show");
        must((setting.from == nullptr) == (setting.line == 0), "a source location has a line");
    }
    for (const MatchedRule& rule : explained.rules) {
        must(rule.rule != nullptr && !rule.sets.empty() && is_safe_line(rule.sets), "a rule lists its settings");
    }
    const Limits limits = resolve(policy, login);
    const auto said = [&](std::string_view name) {
        return std::ranges::find(explained.settings, name, &ExplainedSetting::name)->value;
    };
    must(said("max_sessions") ==
             (limits.max_sessions.value == unlimited_count ? "unlimited" : std::to_string(limits.max_sessions.value)),
         "the explained value is the effective one");
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    const std::vector<SourceText> files = files_of(bytes);
    test::FakeNames names;
    const Loaded loaded = load(files, names);
    are_problems(loaded, files);
    if (loaded.policy) {
        for (const Login& login : logins()) {
            the_stricter_tier_wins(*loaded.policy, login);
            is_explained(*loaded.policy, login);
        }
    }
}

} // namespace sesslimit::fuzz
