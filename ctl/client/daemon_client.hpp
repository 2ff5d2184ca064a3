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

/// The daemon, as the commands see it: values, and one seam to ask for them. The values are those of org.sesslimit1(5).
/// Every text in them is safe to show: whoever makes them of what came from outside escapes it.
namespace sesslimit::ctl {

/// Microseconds, of a span or since the epoch, as they come over the bus.
using Usec = std::uint64_t;
inline constexpr Usec infinity = std::numeric_limits<Usec>::max(); ///< unlimited, or never

/// What the end of a session ends, and what of its user goes on. Names are each there once, and not all where they are
/// many.
struct TerminationPreview {
    std::uint32_t processes = 0;          ///< in the session
    std::vector<std::string> commands;    ///< their names
    std::vector<std::string> multiplexed; ///< names of those that keep_multiplexer would spare
    bool keep_multiplexer = false;        ///< whether its limits do
    std::vector<std::string> other_units; ///< of its user, and go on
    bool lingers = false;
};

struct Session {
    std::string id; ///< logind's, or "k" and the key
    std::uint64_t key = 0;
    std::string user;
    std::uint32_t uid = 0;
    std::string state; ///< waiting, reserved, live, ending
    std::string service;
    std::vector<std::string> terminals; ///< names below /dev
    std::string origin;                 ///< empty: this host
    std::string seat;
    std::string scope;
    std::uint32_t leader = 0;
    bool adopted = false;
    Usec since = 0;      ///< realtime
    Usec idle_since = 0; ///< realtime; 0: not known
    Usec max_duration = infinity;
    Usec idle_timeout = infinity;     ///< the one that is its own: with or without a terminal
    std::string idle_sign;            ///< terminal, connection, hint, none; empty: not known yet
    Usec duration_ends_at = infinity; ///< realtime
    Usec idle_ends_at = infinity;     ///< realtime
    std::string mode;                 ///< enforce, observe
    std::string reason;
    // Told to root and to the session's owner only.
    std::optional<std::string> credential;
    std::optional<std::string> method;
    std::optional<std::string> remote_user;
    // Told of a session that is asked for by itself.
    std::optional<TerminationPreview> reach;
};

/// A login that is asked about. An absent fact is left to the daemon, which looks it up or takes its own default.
struct ExplainQuery {
    std::string user;
    std::vector<std::string> groups; ///< beside those that the user database has
    std::optional<std::string> service;
    std::optional<std::string> origin;
    std::optional<std::string> method;
    std::optional<std::string> credential;
    std::optional<std::string> seat;
};

/// The value of one setting and the place that set it: line 0 and no file where nothing did.
struct EffectiveSetting {
    std::string name;
    std::string value;
    std::string tier; ///< managed, host or empty
    std::string rule; ///< empty: [defaults]
    std::string file;
    std::uint32_t line = 0;
};

struct MatchingRule {
    std::string tier;
    std::string rule;
    std::string file;
    std::string sets;
    std::uint32_t line = 0;
    bool wins = false; ///< sets at least one of the effective settings
};

struct Explanation {
    bool counts = false;
    std::string why;
    std::vector<EffectiveSetting> settings;
    std::vector<MatchingRule> rules;
    std::string outcome;
};

struct Status {
    std::string version;
    std::string policy_state; ///< files, kept, none
    Usec policy_since = 0;    ///< realtime
    std::uint32_t sessions = 0;
    bool recording = false;
};

/// The daemon as a process, as the bus and the kernel have it.
struct DaemonProcess {
    std::string label; ///< its security context, as it came; empty: not known, or there is no SELinux
    Usec started = 0;  ///< realtime; 0: not known
};

/// One signal of the daemon.
struct Event {
    std::string name; ///< admitted, denied, warned, ending, ended, ...; "policy-changed"
    Usec at = 0;      ///< realtime at which it came in here
    Session session;  ///< empty for "policy-changed"
    std::string policy_state;
    std::optional<Usec> left; ///< until the end, of "warned"
};

/// Why the daemon did not do it.
struct Failure {
    enum class Kind : std::uint8_t {
        not_running,  ///< there is no bus, or no process owns the daemon's name on it
        no_answer,    ///< it is there, and did not answer in time
        unresponsive, ///< it did not answer a ping within the time in `what`: it hangs, or the bus drops its replies
        bus_denied,   ///< the policy of the bus denied the call
        no_such_session,
        no_such_user,
        not_allowed,
        policy_rejected, ///< `what` holds the problems, one or more lines
        other,
    };
    Kind kind = Kind::other;
    std::string what; ///< for a person to read, no full stop
};

template <class T = void>
using Answer = std::expected<T, Failure>;

class Remote {
  public:
    Remote() = default;
    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;
    virtual ~Remote() = default;

    /// In no order.
    virtual Answer<std::vector<Session>> list() = 0;
    virtual Answer<Session> session(const std::string& id) = 0;

    virtual Answer<> end_session(const std::string& id) = 0;
    /// How many sessions were told to end. `user` is a name or "uid:1001" (common/user_ref.hpp).
    virtual Answer<std::uint32_t> end_user(const std::string& user) = 0;
    virtual Answer<std::uint32_t> end_credential(const std::string& fingerprint) = 0;

    virtual Answer<Explanation> explain(const ExplainQuery& question) = 0;
    virtual Answer<> reload() = 0;
    virtual Answer<Status> status() = 0;
    /// Does not ask the daemon itself, and so works also if its replies do not arrive.
    virtual DaemonProcess process() = 0;

    /// What is told while watching.
    struct Watcher {
        std::function<void(const Event&)> event;
        std::function<void(bool here)> daemon; ///< it left the bus, or came back
    };
    /// Blocks until SIGINT or SIGTERM, or until nobody reads the standard output any more, and then succeeds.
    virtual Answer<> watch(const Watcher& watcher) = 0;
};

} // namespace sesslimit::ctl
