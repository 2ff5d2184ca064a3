// SPDX-License-Identifier: MIT
#include "daemon/policy_store/policy_cache.hpp"

#include "daemon/policy/match.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/loop_bench.hpp"
#include "tests/unit/support/names.hpp"

#include <sys/stat.h>

#include <fstream>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using policy_store::PolicyOrigin;
using namespace std::chrono_literals;

struct Bench {
    TemporaryDirectory directory;
    FakeNames names;

    [[nodiscard]] std::filesystem::path policies() const { return directory.path / "etc"; }
    [[nodiscard]] std::filesystem::path kept() const { return directory.path / "policy.json"; }
    void write(const std::filesystem::path& path, const std::string& text) const {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << text;
    }
    void policy(const std::string& text) const { write(policies() / "policy.toml", text); }
    policy_store::LoadResult take() { return policy_store::load_or_fall_back(policies(), kept(), names); }
};

std::optional<policy::Count> limit_of(const policy_store::LoadResult& taken) {
    const auto& setting = taken.policy.host.defaults.max_sessions;
    return setting ? std::optional(setting->value) : std::nullopt;
}

constexpr char good[] = "version = 1\n[defaults]\nmax_sessions = 3\n";
constexpr char broken[] = "version = 1\n[defaults]\nmax_sessions = \"three\"\n";

void texts_come_back_as_they_were() {
    const Bench bench;
    const std::vector<policy::SourceText> texts = {
        {"/etc/sesslimit/policy.toml", policy::Tier::host, "# \xC3\xBC \"quoted\" \\ \t\nversion = 1\n"},
        {"/etc/sesslimit/managed.d/a.toml", policy::Tier::managed, ""},
    };
    EXPECT(policy_store::save(bench.kept(), texts).has_value(), "saved");
    const auto read = policy_store::read(bench.kept());
    EXPECT(read.has_value() && read->size() == texts.size(), "read");
    for (std::size_t at = 0; at < texts.size(); ++at) {
        EXPECT_TEXT(read->at(at).path, texts[at].path);
        EXPECT_TEXT(read->at(at).text, texts[at].text);
        EXPECT(read->at(at).tier == texts[at].tier, "tier");
    }
    struct stat at{};
    EXPECT(stat(bench.kept().c_str(), &at) == 0 && (at.st_mode & 07777) == 0600, "for root alone");
    EXPECT(policy_store::save(bench.kept(), {}).has_value() && policy_store::read(bench.kept())->empty(), "replaced");
    EXPECT(!std::filesystem::exists(bench.kept().string() + ".new"), "nothing beside it");
}

/// A directory service may be up only after the daemon.
void names_that_come_later_are_found() {
    Bench bench;
    bench.policy("version = 1\n[[rule]]\nname = \"r\"\nmatch.group = [\"staff\", \"admins\"]\nmax_sessions = 1\n");
    bench.names.groups.clear();
    const policy_store::LoadResult taken = bench.take();
    EXPECT(taken.from == PolicyOrigin::files && taken.unresolved == 2, "both missing, and in force");
    const auto again = policy_store::look_up_again(bench.kept(), bench.names);
    EXPECT(again && policy_store::missing(*again) == 2, "still");
    bench.names.groups = {{"staff", 50}};
    const auto some = policy_store::look_up_again(bench.kept(), bench.names);
    EXPECT(some && policy_store::missing(*some) == 1, "one has come");
    EXPECT(some->policy->host.rules.at(0).match->group.any.at(0).gid == gid_t{50}, "and is meant");
    bench.names.groups = {{"staff", 50}, {"admins", 51}};
    bench.policy("version = 1\n");
    const auto all = policy_store::look_up_again(bench.kept(), bench.names);
    EXPECT(all && policy_store::missing(*all) == 0 && all->policy->host.rules.size() == 1, "of the texts in force");
    EXPECT(!policy_store::look_up_again(bench.directory.path / "none", bench.names), "nothing is kept");
}

void what_cannot_be_saved_leaves_the_old_one() {
    const Bench bench;
    EXPECT(policy_store::save(bench.kept(), {{"a", policy::Tier::host, "version = 1"}}).has_value(), "saved");
    std::filesystem::create_directory(bench.kept().string() + ".new");
    EXPECT(!policy_store::save(bench.kept(), {}).has_value(), "in the way");
    EXPECT(policy_store::read(bench.kept())->size() == 1, "the old one");
    EXPECT(!policy_store::save(bench.directory.path / "none" / "policy.json", {}).has_value(), "no directory");
}

void what_is_not_ours_is_not_read() {
    const Bench bench;
    EXPECT(policy_store::read(bench.kept()).has_value() && policy_store::read(bench.kept())->empty(),
           "no file, no texts");
    for (const char* text : {"", "{", "[", "null", "{}", "3", "\"x\"", "[1]", "[[]]", "[{}]",
                             R"([{"path": 1, "managed": true, "text": ""}])",
                             R"([{"path": "a", "managed": "no", "text": ""}])", R"([{"path": "a", "managed": true}])",
                             R"([{"path": "a", "managed": true, "text": null}])", "[]x", "\xFF\xFE"}) {
        bench.write(bench.kept(), text);
        EXPECT(!policy_store::read(bench.kept()).has_value(), text);
    }
}

void a_good_policy_is_taken_and_kept() {
    Bench bench;
    bench.policy(good);
    const policy_store::LoadResult taken = bench.take();
    EXPECT(taken.from == PolicyOrigin::files && limit_of(taken) == 3U, "of the files");
    EXPECT(taken.problems.empty() && taken.errors.empty(), "no complaint");
    EXPECT(policy_store::read(bench.kept())->at(0).text == good, "kept");
}

void a_broken_policy_falls_back_on_the_kept_one() {
    Bench bench;
    bench.policy(good);
    (void)bench.take();
    bench.policy(broken);
    for (int time = 0; time < 2; ++time) { // the kept one stays the good one
        const policy_store::LoadResult taken = bench.take();
        EXPECT(taken.from == PolicyOrigin::kept && limit_of(taken) == 3U, "the kept one");
        EXPECT(taken.problems.size() == 1, "and what is wrong with the new one");
    }
}

void a_broken_policy_without_a_kept_one_limits_nobody() {
    struct Case {
        std::string_view about;
        std::optional<std::string_view> kept;
        std::size_t errors;
    };
    constexpr Case cases[] = {
        {"nothing kept", std::nullopt, 0},
        {"rubbish kept", "rubbish", 1},
        {"a broken one kept", R"([{"path": "a", "managed": false, "text": "version = 7"}])", 0},
        {"nothing in it", "[]", 0},
    };
    for (const Case& one : cases) {
        Bench bench;
        bench.policy(broken);
        if (one.kept) {
            bench.write(bench.kept(), std::string(*one.kept));
        }
        const policy_store::LoadResult taken = bench.take();
        EXPECT(taken.from == PolicyOrigin::nowhere && !limit_of(taken), one.about);
        EXPECT(taken.problems.size() == 1 && taken.errors.size() == one.errors, one.about);
    }
}

/// What is kept are the files' texts: a key that the language gets later is kept like the others.
void every_setting_comes_back() {
    Bench bench;
    bench.policy(R"(version = 1
[defaults]
idle_timeout = "15min"
idle_timeout_no_terminal = "1h"
idle_activity = ["input", "cpu"]
on_idle = "lock"
keep_multiplexer = true
announce = true
message_of_end = """
Bye, {user}:
{reason}"""
)");
    (void)bench.take();
    bench.policy(broken);
    const policy_store::LoadResult taken = bench.take();
    const policy::Settings& kept = taken.policy.host.defaults;
    EXPECT(taken.from == PolicyOrigin::kept, "the kept one");
    EXPECT(kept.idle_timeout_no_terminal.value().value == 1h, "idle_timeout_no_terminal");
    EXPECT(kept.idle_activity.value().value == policy::Activity::processor, "idle_activity");
    EXPECT(kept.on_idle.value().value == policy::OnIdle::lock, "on_idle");
    EXPECT(kept.keep_multiplexer.value().value == policy::KeepMultiplexer::yes, "keep_multiplexer");
    EXPECT(kept.announce.value().value == policy::Announce::yes, "announce");
    EXPECT_TEXT(kept.message_of_end.value().value, "Bye, {user}:\n{reason}");
}

void one_broken_file_of_many_is_enough() {
    Bench bench;
    bench.policy(good);
    (void)bench.take();
    bench.write(bench.policies() / "policy.d" / "10-more.toml", "version = 1\n[defaults]\nmax_sessions = 2\n");
    bench.write(bench.policies() / "policy.d" / "20-broken.toml", broken);
    EXPECT(bench.take().from == PolicyOrigin::kept, "whole or not at all");
    std::filesystem::remove(bench.policies() / "policy.d" / "20-broken.toml");
    const policy_store::LoadResult taken = bench.take();
    EXPECT(taken.from == PolicyOrigin::files && limit_of(taken) == 2U, "mended");
    std::filesystem::create_directory(bench.policies() / "policy.d" / "30-no-file.toml");
    const policy_store::LoadResult unreadable = bench.take();
    EXPECT(unreadable.from == PolicyOrigin::kept && limit_of(unreadable) == 2U,
           "what cannot be read may have said more");
}

void a_policy_that_cannot_be_kept_is_taken_all_the_same() {
    Bench bench;
    bench.policy(good);
    const policy_store::LoadResult taken =
        policy_store::load_or_fall_back(bench.policies(), bench.directory.path / "none" / "kept", bench.names);
    EXPECT(taken.from == PolicyOrigin::files && limit_of(taken) == 3U && taken.errors.size() == 1, "taken, and said");
    // What is kept is another policy: its names are not those in force.
    bench.policy("version = 1\n[[rule]]\nname = \"r\"\nmatch.group = [\"nobody-has-it\"]\nmax_sessions = 1\n");
    EXPECT(bench.take().unresolved == 1, "kept");
    EXPECT(policy_store::load_or_fall_back(bench.policies(), bench.directory.path / "none" / "kept", bench.names)
                   .unresolved == 0,
           "not kept");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(texts_come_back_as_they_were),
        SESSLIMIT_TEST(names_that_come_later_are_found),
        SESSLIMIT_TEST(what_cannot_be_saved_leaves_the_old_one),
        SESSLIMIT_TEST(what_is_not_ours_is_not_read),
        SESSLIMIT_TEST(a_good_policy_is_taken_and_kept),
        SESSLIMIT_TEST(a_broken_policy_falls_back_on_the_kept_one),
        SESSLIMIT_TEST(a_broken_policy_without_a_kept_one_limits_nobody),
        SESSLIMIT_TEST(every_setting_comes_back),
        SESSLIMIT_TEST(one_broken_file_of_many_is_enough),
        SESSLIMIT_TEST(a_policy_that_cannot_be_kept_is_taken_all_the_same),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
