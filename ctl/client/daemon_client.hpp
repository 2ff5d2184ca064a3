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

/// The values of the daemon, and the interface by which the commands request them. The values are those of
/// org.sesslimit1(5). All texts are escaped for display by the code that creates them from outside data.
namespace sesslimit::ctl {

/// Microseconds, of a span or since the epoch, as transferred over the bus.
using Usec = std::uint64_t;
inline constexpr Usec infinity = std::numeric_limits<Usec>::max(); ///< unlimited, or never

/// The processes that terminating a session affects, and the units of its user that continue to run. Each name is
/// listed once. Long lists are incomplete.
struct TerminationPreview {
    std::uint32_t processes = 0;          ///< number of processes in the session
    std::vector<std::string> commands;    ///< names of the processes
    std::vector<std::string> multiplexed; ///< names of the processes that keep_multiplexer would preserve
    bool keep_multiplexer = false;        ///< true if the session's limits enable keep_multiplexer
    std::vector<std::string> other_units; ///< units of its user that continue to run
    bool lingers = false;
};

/// A session of the daemon.
struct Session {
    std::string id; ///< logind's ID, or "k" and the key
    std::uint64_t key = 0;
    std::string user;
    std::uint32_t uid = 0;
    std::string state; ///< phase: waiting, admitted, active, ending
    std::string service;
    std::vector<std::string> terminals; ///< names below /dev
    std::string origin;                 ///< remote host; empty: this host
    std::string seat;
    std::string scope;
    std::uint32_t leader = 0;
    bool adopted = false;
    Usec since = 0;      ///< realtime
    Usec idle_since = 0; ///< realtime; 0: not known
    Usec max_duration = infinity;
    Usec idle_timeout = infinity;     ///< effective timeout of this session, with or without a terminal
    std::string idle_sign;            ///< sign of activity: terminal, connection, hint, none; empty: not known yet
    Usec duration_ends_at = infinity; ///< realtime
    Usec idle_ends_at = infinity;     ///< realtime
    std::string mode;                 ///< enforce, observe
    std::string reason;
    // The next fields are visible to root and to the session's owner only.
    std::optional<std::string> credential;
    std::optional<std::string> method;
    std::optional<std::string> remote_user;
    // Present only if the request was for this one session.
    std::optional<TerminationPreview> reach;
};

/// A login to be explained. The daemon looks up an absent value or uses its own default.
struct ExplainQuery {
    std::string user;
    std::vector<std::string> groups; ///< in addition to those in the user database
    std::optional<std::string> service;
    std::optional<std::string> origin;
    std::optional<std::string> method;
    std::optional<std::string> credential;
    std::optional<std::string> seat;
};

/// The value of one setting and its source location. If no file sets the setting, the line is 0 and the file is empty.
struct EffectiveSetting {
    std::string name;
    std::string value;
    std::string tier; ///< managed, host or empty
    std::string rule; ///< empty: [defaults]
    std::string file;
    std::uint32_t line = 0;
};

/// A rule that matches the login.
struct MatchingRule {
    std::string tier;
    std::string rule;
    std::string file;
    std::string sets;
    std::uint32_t line = 0;
    bool wins = false; ///< true if the rule sets at least one of the effective settings
};

/// The reply to a question.
struct Explanation {
    bool counts = false;
    std::string why;
    std::vector<EffectiveSetting> settings;
    std::vector<MatchingRule> rules;
    std::string outcome;
};

/// The status of the daemon.
struct Status {
    std::string version;
    std::string policy_state; ///< files, kept, none
    Usec policy_since = 0;    ///< realtime
    std::uint32_t sessions = 0;
    bool recording = false;
};

/// The daemon as a process, as reported by the bus and the kernel.
struct DaemonProcess {
    std::string label; ///< unescaped security context; empty if unknown, or without SELinux
    Usec started = 0;  ///< realtime; 0: not known
};

/// One signal of the daemon.
struct Event {
    std::string name; ///< admitted, denied, warned, ending, ended, ...; "policy-changed"
    Usec at = 0;      ///< realtime at which it was received
    Session session;  ///< empty for "policy-changed"
    std::string policy_state;
    std::optional<Usec> left; ///< remaining time until the session's end; only for "warned"
};

/// The reason why the daemon did not perform a request.
struct Failure {
    enum class Kind : std::uint8_t {
        not_running,  ///< the bus does not exist, or no process owns the daemon's name on it
        no_answer,    ///< the daemon is on the bus, and did not answer in time
        unresponsive, ///< no answer to a ping within the time in `what`, because the daemon hangs or the bus drops its
                      ///< replies
        bus_denied,   ///< the policy of the bus denied the call
        no_such_session,
        no_such_user,
        not_allowed,
        policy_rejected, ///< `what` contains the problems, one or more lines
        other,
    };
    Kind kind = Kind::other;
    std::string what; ///< for a human reader, without a full stop
};

/// The result of a request, or its failure.
template <class T = void>
using Answer = std::expected<T, Failure>;

/// The interface to the daemon.
class Remote {
  public:
    Remote() = default;
    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;
    virtual ~Remote() = default;

    /// Returns the sessions in unspecified order.
    virtual Answer<std::vector<Session>> list() = 0;
    virtual Answer<Session> session(const std::string& id) = 0;

    virtual Answer<> end_session(const std::string& id) = 0;
    /// Returns the number of sessions whose termination was requested. `user` is a name or "uid:1001"
    /// (common/user_ref.hpp).
    virtual Answer<std::uint32_t> end_user(const std::string& user) = 0;
    virtual Answer<std::uint32_t> end_credential(const std::string& fingerprint) = 0;

    virtual Answer<Explanation> explain(const ExplainQuery& question) = 0;
    virtual Answer<> reload() = 0;
    virtual Answer<Status> status() = 0;
    /// Returns the properties of the daemon's process. Does not query the daemon itself, and therefore works even if
    /// the daemon's replies do not arrive.
    virtual DaemonProcess process() = 0;

    /// The callbacks of watch().
    struct Watcher {
        std::function<void(const Event&)> event;
        std::function<void(bool here)> daemon; ///< called when the daemon leaves the bus or returns
    };
    /// Blocks until SIGINT or SIGTERM, or until the reader of standard output is gone, and then succeeds.
    virtual Answer<> watch(const Watcher& watcher) = 0;
};

} // namespace sesslimit::ctl
