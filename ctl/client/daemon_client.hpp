// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The interface by which the commands of sesslimitctl call the daemon, and the values that the daemon returns. The
/// values are those of org.sesslimit1(5). The texts in the values are valid UTF-8, and must be
/// passed through safe() (ctl/client/escaped_client.hpp) before they are displayed.
namespace sesslimit::ctl {

/// A time span in microseconds, or a time in microseconds since the epoch, as transferred over D-Bus.
using Usec = std::uint64_t;
inline constexpr Usec infinity = std::numeric_limits<Usec>::max(); ///< unlimited, or never

/// A preview of the termination of a session: its processes, and the units of its user that would continue to run. Each
/// name is listed once, and long lists are truncated.
struct TerminationPreview {
    std::uint32_t processes = 0;          ///< Number of processes in the session.
    std::vector<std::string> commands;    ///< Names of the processes in the session.
    std::vector<std::string> kept;        ///< Names of the processes that the policy would preserve.
    std::vector<std::string> keep;        ///< Names of programs, as set by the policy.
    std::vector<std::string> other_units; ///< Units of the session's user that would continue to run.
    bool lingers = false;
};

/// A session as the daemon reports it.
struct Session {
    std::string id; ///< Session ID of logind; "k" and `key`, such as "k17", if logind does not know the session yet.
    std::uint64_t key = 0;
    std::string user;
    std::uint32_t uid = 0;
    std::string state; ///< Phase: waiting, admitted, active, ending.
    std::string service;
    std::vector<std::string> terminals; ///< Names of the session's terminals, such as "pts/0".
    std::string origin;                 ///< Remote host of the login; empty for a login on this host.
    std::string seat;
    std::string scope;
    std::uint32_t leader = 0;
    bool adopted = false;
    Usec since = 0;      ///< Start time of the session.
    Usec idle_since = 0; ///< Time of the last activity in the session; 0 if not known.
    Usec max_duration = infinity;
    Usec idle_timeout = infinity; ///< Idle timeout of the session, which depends on whether it has a terminal.
    /// Sources of activity that apply to the session: input, network, channel, output, cpu or hint. Empty if its use
    /// cannot be observed, or is not known yet.
    std::vector<std::string> activity_sources;
    std::string last_activity;        ///< Source of the last activity; empty if there was none since the login.
    Usec duration_ends_at = infinity; ///< Time at which max_duration ends the session.
    Usec idle_ends_at = infinity;     ///< Time at which idle_timeout ends the session.
    std::string mode;                 ///< Mode of the session's limits: "enforce" or "observe".
    std::string reason;
    std::optional<std::uint32_t> requested_by_uid; ///< set if a D-Bus caller requested the termination
    std::string requested_by;                      ///< name of the user with the ID `requested_by_uid`
    // The daemon shows the credential, the authentication method and the remote user of a session only to root and to
    // the user of the session.
    std::optional<std::string> credential;
    std::optional<std::string> method;
    std::optional<std::string> remote_user;
    // The preview of the session's termination is present only if the caller requested this session alone, and not a
    // list.
    std::optional<TerminationPreview> reach;
};

/// A login whose limits the daemon shall explain. The daemon looks up a value that is absent, or uses a default.
struct ExplainQuery {
    std::string user;
    std::vector<std::string> groups; ///< Groups in addition to those in the user database.
    std::optional<std::string> service;
    std::optional<std::string> origin;
    std::optional<std::string> method;
    std::optional<std::string> credential;
    std::optional<std::string> seat;
};

/// The value of one setting of the policy and its source location. If no file sets the setting, the line is 0 and the
/// file is empty.
struct EffectiveSetting {
    std::string name;
    std::string value;
    std::string tier; ///< Tier of the policy that sets the value: managed, host or empty.
    std::string rule; ///< Name of the rule that sets the value; empty if [defaults] sets it.
    std::string file;
    std::uint32_t line = 0;
};

/// A rule of the policy that matches the login to be explained.
struct MatchingRule {
    std::string tier;
    std::string rule;
    std::string file;
    std::string sets;
    std::uint32_t line = 0;
    bool wins = false; ///< True if at least one setting that applies to the login has its value from this rule.
};

/// The explanation of the limits of a login.
struct Explanation {
    bool counts = false;
    std::string why;
    std::vector<EffectiveSetting> settings;
    std::vector<MatchingRule> rules;
    std::string outcome;
};

/// The effect that a change of the policy would have.
struct PolicyPreview {
    std::vector<Session> sessions; ///< Sessions as they would be after the change.
    /// Sentence about the denial of another login like that of a session, if only the changed policy would deny it.
    /// Otherwise empty.
    std::string denial;
};

/// The status of the daemon.
struct Status {
    std::string version;
    std::string policy_state; ///< files, kept, none
    Usec policy_since = 0;    ///< realtime
    std::uint32_t sessions = 0;
    bool recording = false;
    std::vector<std::string> policy_problems{}; ///< errors for which the policy files are not in effect
    std::string policy_digest{};                ///< policy::digest() of the files of the policy in effect
    std::string policy_directory{};             ///< directory of the policy files
};

/// The process of the daemon, as reported by the bus and the kernel.
struct DaemonProcess {
    std::string label; ///< SELinux context of the process, unescaped; empty if unknown or if the host has no SELinux.
    Usec started = 0;  ///< Start time of the process; 0 if not known.
};

/// One D-Bus signal of the daemon.
struct Event {
    std::string name; ///< Name of the event: admitted, denied, warned, ending, ended, ... or policy-changed.
    Usec at = 0;      ///< Time at which the client received the signal.
    Session session;  ///< Session of the event; empty for policy-changed.
    std::string policy_state;
    std::optional<Usec> left; ///< Remaining time until the session's termination; only for the event "warned".
};

/// The reason why the daemon did not perform a request.
struct Failure {
    enum class Kind : std::uint8_t {
        not_running,  ///< Failure because the bus does not exist or no process owns the daemon's name on the bus.
        no_answer,    ///< Failure because the daemon is on the bus but did not answer in time.
        unresponsive, ///< Failure because the daemon did not answer a ping within the time in `what`. It hangs, or
                      ///< the bus drops its replies.
        bus_denied,   ///< Failure because the policy of the bus denied the call.
        no_such_session,
        no_such_user,
        not_allowed,
        policy_rejected, ///< Failure because the policy has errors, which `what` lists in one or more lines.
        other,
    };
    Kind kind = Kind::other;
    std::string what; ///< Description for a human reader, without a full stop.
};

/// The reply of the daemon to a request, or the reason why the request failed.
template <class T = void>
using Answer = std::expected<T, Failure>;

/// The interface to the daemon.
class Remote {
  public:
    Remote() = default;
    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;
    virtual ~Remote() = default;

    /// Returns all sessions that the daemon shows to the caller, in unspecified order.
    virtual Answer<std::vector<Session>> list() = 0;
    virtual Answer<Session> session(const std::string& id) = 0;

    /// Requests the termination of a session. `message` is shown to its user, and may be empty.
    virtual Answer<> end_session(const std::string& id, const std::string& message) = 0;
    /// Requests the termination of all sessions of a user, who is given as a name or "uid:1001" (common/user_ref.hpp).
    /// Returns the IDs of these sessions.
    virtual Answer<std::vector<std::string>> end_user(const std::string& user, const std::string& message) = 0;
    virtual Answer<std::vector<std::string>> end_credential(const std::string& fingerprint,
                                                            const std::string& message) = 0;

    virtual Answer<Explanation> explain(const ExplainQuery& question) = 0;
    virtual Answer<> reload() = 0;
    /// Returns the effect that another text of the policy file `file` in policy.d would have. `session` is the ID of
    /// the session for PolicyPreview::denial, or empty.
    virtual Answer<PolicyPreview> preview(const std::string& file, const std::string& text,
                                          const std::string& session) = 0;
    virtual Answer<Status> status() = 0;
    /// Returns the properties of the daemon's process. Queries the bus and the kernel, but not the daemon. Therefore
    /// the function works even if the daemon's replies do not arrive.
    virtual DaemonProcess process() = 0;

    /// The callbacks of watch().
    struct Watcher {
        std::function<void(const Event&)> event;
        std::function<void(bool here)> daemon; ///< Called when the daemon leaves the bus or returns to it.
    };
    /// Passes the daemon's D-Bus signals to `watcher`. Blocks until SIGINT or SIGTERM, or until the reader of standard
    /// output is gone, and then returns success.
    virtual Answer<> watch(const Watcher& watcher) = 0;
};

} // namespace sesslimit::ctl
