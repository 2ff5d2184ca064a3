// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/host.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sesslimit::test {

/// 2026-11-23 14:00:00 UTC, the present of these tests.
inline constexpr ctl::Usec noon = 1'795'442'400'000'000;
inline constexpr ctl::Usec second = 1'000'000;
inline constexpr ctl::Usec minute = 60 * second;
inline constexpr ctl::Usec hour = 60 * minute;

/// An ordinary ssh session of alice: opened two hours ago, idle for 3min, idle limit in 12min, duration limit in 6h.
ctl::Session alices_session(const std::string& id = "12");

/// A daemon in memory. Ending takes the sessions out of it.
class FakeRemote final : public ctl::Remote {
  public:
    FakeRemote() = default;
    explicit FakeRemote(std::vector<ctl::Session> open) : sessions(std::move(open)) {}

    std::vector<ctl::Session> sessions;
    std::set<std::string> protected_users; ///< whose sessions may not be ended
    std::optional<ctl::Failure> failure;   ///< what every question gets, where set
    ctl::Explanation explanation;
    ctl::Status state;
    ctl::DaemonProcess running;
    std::vector<ctl::Event> events;               ///< what a watch is told before it ends
    std::optional<ctl::ExplainQuery> asked_about; ///< what was to be explained
    unsigned reloads = 0;

    ctl::Answer<std::vector<ctl::Session>> list() override;
    ctl::Answer<ctl::Session> session(const std::string& id) override;
    ctl::Answer<> end_session(const std::string& id) override;
    ctl::Answer<std::uint32_t> end_user(const std::string& user) override;
    ctl::Answer<std::uint32_t> end_credential(const std::string& fingerprint) override;
    ctl::Answer<ctl::Explanation> explain(const ctl::ExplainQuery& question) override;
    ctl::Answer<> reload() override;
    ctl::Answer<ctl::Status> status() override;
    ctl::DaemonProcess process() override { return running; }
    ctl::Answer<> watch(const Watcher& watcher) override;

    /// The ids that are left, in their order, with blanks between.
    [[nodiscard]] std::string left() const;
};

/// A host in memory.
class FakeHost final : public ctl::Host {
  public:
    ctl::Selinux mode = ctl::Selinux::off;
    ctl::UncountedLogins uncounted{.source = ctl::UncountedLogins::Source::journal};
    std::optional<ctl::Usec> asked_since;

    [[nodiscard]] ctl::Selinux selinux() override { return mode; }
    [[nodiscard]] ctl::UncountedLogins uncounted_logins(ctl::Usec since) override {
        asked_since = since;
        ctl::UncountedLogins found = uncounted;
        found.since = since;
        return found;
    }
};

/// Keeps what it is told. Somebody is there where `answer` is set.
class FakeConsole final : public ctl::Console {
  public:
    ctl::Style look;
    std::optional<bool> answer;
    std::string printed;
    std::string paged;
    std::string complaints;
    std::string questions;

    [[nodiscard]] const ctl::Style& style() const override { return look; }
    [[nodiscard]] ctl::Usec now() const override { return noon; }
    void print(std::string_view text) override { printed += text; }
    void page(std::string_view text) override { paged += text; }
    void complain(std::string_view message) override { complaints += std::string(message) + '\n'; }
    [[nodiscard]] bool can_ask() const override { return answer.has_value(); }
    bool ask(std::string_view text) override {
        questions += text;
        return answer.value_or(false);
    }
};

} // namespace sesslimit::test
