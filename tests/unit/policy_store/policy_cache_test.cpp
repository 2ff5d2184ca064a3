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

SESSLIMIT_TEST(save_and_read_return_same_texts) {
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
    EXPECT(stat(bench.kept().c_str(), &at) == 0 && (at.st_mode & 07777) == 0600, "accessible to root only");
    EXPECT(policy_store::save(bench.kept(), {}).has_value() && policy_store::read(bench.kept())->empty(), "replaced");
    EXPECT(!std::filesystem::exists(bench.kept().string() + ".new"), "no temporary file remains");
}

/// A directory service may start after the daemon.
SESSLIMIT_TEST(missing_names_resolved_later) {
    Bench bench;
    bench.policy("version = 1\n[[rule]]\nname = \"r\"\nmatch.group = [\"staff\", \"admins\"]\nmax_sessions = 1\n");
    bench.names.groups.clear();
    const policy_store::LoadResult taken = bench.take();
    EXPECT(taken.from == PolicyOrigin::files && taken.unresolved == 2, "both missing, policy in effect");
    const auto again = policy_store::look_up_again(bench.kept(), bench.names);
    EXPECT(again && policy_store::missing(*again) == 2, "both still missing");
    bench.names.groups = {{"staff", 50}};
    const auto some = policy_store::look_up_again(bench.kept(), bench.names);
    EXPECT(some && policy_store::missing(*some) == 1, "one is resolved");
    EXPECT(some->policy->host.rules.at(0).match->group.any.at(0).gid == gid_t{50}, "its rule uses the gid");
    bench.names.groups = {{"staff", 50}, {"admins", 51}};
    bench.policy("version = 1\n");
    const auto all = policy_store::look_up_again(bench.kept(), bench.names);
    EXPECT(all && policy_store::missing(*all) == 0 && all->policy->host.rules.size() == 1, "from the texts in effect");
    EXPECT(!policy_store::look_up_again(bench.directory.path / "none", bench.names), "no cache");
}

SESSLIMIT_TEST(failed_save_keeps_old_cache) {
    const Bench bench;
    EXPECT(policy_store::save(bench.kept(), {{"a", policy::Tier::host, "version = 1"}}).has_value(), "saved");
    std::filesystem::create_directory(bench.kept().string() + ".new");
    EXPECT(!policy_store::save(bench.kept(), {}).has_value(), "temporary name is occupied");
    EXPECT(policy_store::read(bench.kept())->size() == 1, "the old cache");
    EXPECT(!policy_store::save(bench.directory.path / "none" / "policy.json", {}).has_value(), "no directory");
}

SESSLIMIT_TEST(malformed_cache_rejected) {
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

SESSLIMIT_TEST(valid_policy_loaded_and_cached) {
    Bench bench;
    bench.policy(good);
    const policy_store::LoadResult taken = bench.take();
    EXPECT(taken.from == PolicyOrigin::files && limit_of(taken) == 3U, "from the files");
    EXPECT(taken.problems.empty() && taken.errors.empty(), "no problems");
    EXPECT(policy_store::read(bench.kept())->at(0).text == good, "cached");
}

SESSLIMIT_TEST(broken_policy_falls_back_to_cache) {
    Bench bench;
    bench.policy(good);
    const std::string digest = bench.take().digest;
    EXPECT_TEXT(digest, policy::digest(policy::read_texts(bench.policies()).texts));
    bench.policy(broken);
    for (int time = 0; time < 2; ++time) { // the cache keeps the valid policy
        const policy_store::LoadResult taken = bench.take();
        EXPECT(taken.from == PolicyOrigin::cached && limit_of(taken) == 3U, "the cached policy");
        EXPECT(taken.problems.size() == 1, "the new policy's error is reported");
        EXPECT_TEXT(taken.digest, digest);
    }
}

SESSLIMIT_TEST(broken_policy_without_cache_sets_no_limits) {
    struct Case {
        std::string_view about;
        std::optional<std::string_view> kept;
        std::size_t errors;
    };
    constexpr Case cases[] = {
        {"no cache", std::nullopt, 0},
        {"malformed cache", "rubbish", 1},
        {"broken policy cached", R"([{"path": "a", "managed": false, "text": "version = 7"}])", 0},
        {"empty cache", "[]", 0},
    };
    for (const Case& one : cases) {
        Bench bench;
        bench.policy(broken);
        if (one.kept) {
            bench.write(bench.kept(), std::string(*one.kept));
        }
        const policy_store::LoadResult taken = bench.take();
        EXPECT(taken.from == PolicyOrigin::none && !limit_of(taken), one.about);
        EXPECT(taken.problems.size() == 1 && taken.errors.size() == one.errors, one.about);
    }
}

/// The cache stores the texts of the files, so keys that the language gets later are cached too.
SESSLIMIT_TEST(every_setting_restored_from_cache) {
    Bench bench;
    bench.policy(R"(version = 1
[defaults]
idle_timeout = "15min"
idle_timeout_no_terminal = "1h"
idle_activity = ["input", "cpu"]
on_idle = "lock"
keep = ["tmux", "screen"]
count_left_behind = true
limit_left_behind = true
announce = true
quiet = true
message_of_end = """
Bye, {user}:
{reason}"""
)");
    (void)bench.take();
    bench.policy(broken);
    const policy_store::LoadResult taken = bench.take();
    const policy::Settings& kept = taken.policy.host.defaults;
    EXPECT(taken.from == PolicyOrigin::cached, "the cached policy");
    EXPECT(kept.idle_timeout_no_terminal.value().value == 1h, "idle_timeout_no_terminal");
    EXPECT(kept.idle_activity.value().value == policy::Activity{.processor = true}, "idle_activity");
    EXPECT(kept.on_idle.value().value == policy::OnIdle::lock, "on_idle");
    EXPECT((kept.keep.value().value.programs == std::vector<std::string>{"tmux", "screen"}), "keep");
    EXPECT(kept.count_left_behind.value().value == policy::CountLeftBehind::yes, "count_left_behind");
    EXPECT(kept.limit_left_behind.value().value == policy::LimitLeftBehind::yes, "limit_left_behind");
    EXPECT(kept.announce.value().value == policy::Announce::yes, "announce");
    EXPECT(kept.quiet.value().value == policy::Quiet::yes, "quiet");
    EXPECT_TEXT(kept.message_of_end.value().value, "Bye, {user}:\n{reason}");
}

SESSLIMIT_TEST(one_broken_file_rejects_whole_policy) {
    Bench bench;
    bench.policy(good);
    (void)bench.take();
    bench.write(bench.policies() / "policy.d" / "10-more.toml", "version = 1\n[defaults]\nmax_sessions = 2\n");
    bench.write(bench.policies() / "policy.d" / "20-broken.toml", broken);
    EXPECT(bench.take().from == PolicyOrigin::cached, "all files or none");
    std::filesystem::remove(bench.policies() / "policy.d" / "20-broken.toml");
    const policy_store::LoadResult taken = bench.take();
    EXPECT(taken.from == PolicyOrigin::files && limit_of(taken) == 2U, "repaired");
    std::filesystem::create_directory(bench.policies() / "policy.d" / "30-no-file.toml");
    const policy_store::LoadResult unreadable = bench.take();
    EXPECT(unreadable.from == PolicyOrigin::cached && limit_of(unreadable) == 2U,
           "an unreadable file may contain limits");
}

SESSLIMIT_TEST(policy_loaded_although_cache_not_writable) {
    Bench bench;
    bench.policy(good);
    const policy_store::LoadResult taken =
        policy_store::load_or_fall_back(bench.policies(), bench.directory.path / "none" / "kept", bench.names);
    EXPECT(taken.from == PolicyOrigin::files && limit_of(taken) == 3U && taken.errors.size() == 1,
           "loaded, and the error is reported");
    // The cache contains another policy, whose names are not those in effect.
    bench.policy("version = 1\n[[rule]]\nname = \"r\"\nmatch.group = [\"nobody-has-it\"]\nmax_sessions = 1\n");
    EXPECT(bench.take().unresolved == 1, "cached");
    EXPECT(policy_store::load_or_fall_back(bench.policies(), bench.directory.path / "none" / "kept", bench.names)
                   .unresolved == 0,
           "not cached");
}

} // namespace
