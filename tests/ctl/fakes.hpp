// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/host.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sesslimit::test {

/// 2026-11-23 14:00:00 UTC, the current time in these tests.
inline constexpr ctl::Usec noon = 1'795'442'400'000'000;
inline constexpr ctl::Usec second = 1'000'000;
inline constexpr ctl::Usec minute = 60 * second;
inline constexpr ctl::Usec hour = 60 * minute;

/// Returns an ordinary ssh session of alice, opened two hours ago and idle for 3 min. Its idle limit is in 12 min, its
/// duration limit in 6 h.
ctl::Session alices_session(const std::string& id = "12");

/// A fake daemon in memory. Terminated sessions are removed.
class FakeRemote final : public ctl::Remote {
  public:
    FakeRemote() = default;
    explicit FakeRemote(std::vector<ctl::Session> open) : sessions(std::move(open)) {}

    std::vector<ctl::Session> sessions;
    std::set<std::string> protected_users; ///< users whose sessions must not be terminated
    std::optional<ctl::Failure> failure;   ///< reply to every request, if set
    ctl::Explanation explanation;
    ctl::Status state;
    ctl::DaemonProcess running;
    std::vector<ctl::Event> events;               ///< events that watch() delivers before it returns
    std::optional<ctl::ExplainQuery> asked_about; ///< question of the last explain()
    unsigned reloads = 0;
    std::function<void()> on_reload; ///< called by each reload() that succeeds
    /// Reply to preview(); without it, the sessions do not change.
    std::function<ctl::PolicyPreview(const std::string& session)> on_preview;
    std::string message; ///< message of the last request to terminate sessions

    ctl::Answer<std::vector<ctl::Session>> list() override;
    ctl::Answer<ctl::Session> session(const std::string& id) override;
    ctl::Answer<> end_session(const std::string& id, const std::string& message) override;
    ctl::Answer<std::vector<std::string>> end_user(const std::string& user, const std::string& message) override;
    ctl::Answer<std::vector<std::string>> end_credential(const std::string& fingerprint,
                                                         const std::string& message) override;
    ctl::Answer<ctl::Explanation> explain(const ctl::ExplainQuery& question) override;
    ctl::Answer<> reload() override;
    ctl::Answer<ctl::PolicyPreview> preview(const std::string& file, const std::string& text,
                                            const std::string& session) override;
    ctl::Answer<ctl::Status> status() override;
    ctl::DaemonProcess process() override { return running; }
    ctl::Answer<> watch(const Watcher& watcher) override;

    /// Returns the remaining IDs in order, separated by blanks.
    [[nodiscard]] std::string left() const;

  private:
    std::vector<std::string> end_if(const std::function<bool(const ctl::Session&)>& wanted);
};

/// A fake host in memory.
class FakeHost final : public ctl::Host {
  public:
    ctl::Selinux mode = ctl::Selinux::off;
    ctl::UncountedLogins uncounted{.source = ctl::UncountedLogins::Source::journal};
    std::optional<ctl::Usec> asked_since;
    std::optional<host_config::Line> without_pam;

    [[nodiscard]] ctl::Selinux selinux() override { return mode; }
    [[nodiscard]] ctl::UncountedLogins uncounted_logins(ctl::Usec since) override {
        asked_since = since;
        ctl::UncountedLogins found = uncounted;
        found.since = since;
        return found;
    }
    [[nodiscard]] std::optional<host_config::Line> sshd_without_pam() override { return without_pam; }
    std::string stopped_idle; ///< session that logind has stopped as idle
    [[nodiscard]] bool logind_stopped_idle(const std::string& id, ctl::Usec) override { return id == stopped_idle; }

    std::vector<std::vector<std::pair<std::string, std::string>>> logged; ///< entries of the journal
    bool journal_fails = false;
    std::string session; ///< ID of the caller's session

    [[nodiscard]] ctl::Caller caller() override { return {"alice (as root)", 1000, session}; }
    bool log(const std::vector<std::pair<std::string, std::string>>& fields) override {
        logged.push_back(fields);
        return !journal_fails;
    }
};

/// Records all output. A person can be asked if `answer` is set.
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
