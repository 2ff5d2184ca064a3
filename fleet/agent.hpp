// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "fleet/protocol.hpp"
#include "fleet/sync.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <variant>

namespace sesslimit::fleet {

/// Calls to the store other than transactions. A lease deletes its keys when it expires.
struct GrantLease {
    std::chrono::seconds ttl{};
};
struct RevokeLease {
    std::int64_t lease = 0;
};
struct KeepAlive {
    std::int64_t lease = 0;
};
struct ListLease {
    std::int64_t lease = 0;
};
/// Asks one node of etcd for its state. The call is not sent to other nodes.
struct NodeStatus {
    std::size_t node = 0; ///< Index of the node in the configuration.
};
struct ListAlarms {};
using Call = std::variant<Transaction, GrantLease, RevokeLease, KeepAlive, ListLease, NodeStatus, ListAlarms>;

/// The reply to a call about a lease.
struct LeaseReply {
    std::int64_t lease = 0;
    std::chrono::seconds ttl{};      ///< Remaining time of the lease; 0 or less if it does not exist.
    std::vector<std::string> keys{}; ///< Keys of the lease, if the call was ListLease.
};

/// The reply to NodeStatus.
struct NodeReply {
    std::uint64_t member = 0; ///< ID of the node.
    std::uint64_t leader = 0; ///< ID of the leader; 0 if the node knows none.
    std::string version{};
    std::uint64_t size = 0;   ///< Size of the database in bytes.
    std::uint64_t in_use = 0; ///< Part of it that is not free, in bytes.
    std::uint64_t quota = 0;  ///< Maximum size in bytes; 0 if the release of etcd does not report it.
    std::uint64_t revision = 0;
    std::uint64_t raft_index = 0, raft_applied = 0;
    std::string problem{}; ///< Errors that the node reports; may be empty.
};

/// An alarm that a node of etcd has raised.
struct Alarm {
    enum class Type : std::uint8_t { other, no_space, corrupt };
    Type type = Type::other;
    std::uint64_t member = 0; ///< ID of the node.
};
struct AlarmsReply {
    std::vector<Alarm> alarms{};
};

/// The reason why a call has no reply.
struct CallFailure {
    enum class Kind : std::uint8_t {
        unavailable, ///< No reply. The store may still execute the call later.
        no_lease,    ///< Rejected, because the lease does not exist.
        rejected,    ///< Rejected for the reason in `what`, such as a missing permission.
        too_large,   ///< The reply is longer than the client accepts.
    };
    Kind kind = Kind::unavailable;
    std::string what{}; ///< Description of the error for a log.
};
using CallResult = std::variant<TransactionReply, LeaseReply, NodeReply, AlarmsReply, CallFailure>;

/// The answer to the claim of the daemon.
struct Answer {
    using Outcome = wire::Outcome;
    Outcome outcome = Outcome::unknown;
    std::uint32_t count = 0;       ///< Number of occupied slots of the user if the outcome is `full`.
    std::vector<Holder> holders{}; ///< Sessions that occupy them.
};

/// The receiver of the effects of an Agent. Its functions must not call the agent.
class Effects {
  public:
    virtual ~Effects() = default;
    /// Sends a call to the store. Agent::on_reply() receives its result, which is `unavailable` if a reply does not
    /// arrive in time.
    virtual void call(std::uint64_t id, const Call& call) = 0;
    /// Answers the claim for a session of the daemon.
    virtual void answer(std::uint64_t session, const Answer& answer) = 0;
    /// Reports that claims are now answered by the store, or that they are not, or that the reason for the latter has
    /// changed. `reason` is not escaped.
    virtual void state_changed(bool up, const std::string& reason) = 0;
    /// Reports that a session was recorded although all `limit` slots of its user are occupied.
    virtual void over_limit(const Session& session) = 0;
    /// Reports that records of existing sessions were missing in the store and are written again.
    virtual void repairing(std::size_t count) = 0;
};

/// The part of sesslimit-fleetd that decides: it keeps the lease of the host, claims and releases slots, repeats calls
/// without reply, and repairs the records of the host. It has no clock, no thread and no socket. All its inputs are
/// events with the time at which they occurred.
class Agent {
  public:
    struct Settings {
        std::string fleet{}; ///< Name of the fleet, valid according to is_valid_name().
        std::string host{};  ///< Name of this host in the fleet, also valid.
        HostRecord record{}; ///< Description of this host.
        std::chrono::seconds host_ttl{30};
        std::uint32_t seed = 1; ///< Seed of the jitter of retries.
        /// Maximum number of sessions, by default that of the daemon. Others are not counted, and their claims are
        /// answered `unknown`.
        std::size_t max_sessions = 100'000;
    };

    /// Times that are part of the design.
    static constexpr Duration answer_timeout = std::chrono::seconds(3); ///< Time until a claim is answered `unknown`.
    static constexpr Duration sync_interval = std::chrono::minutes(1);
    /// First pause between two calls while the store does not answer. Each pause is twice as long as the one before, up
    /// to the longest, because the calls of many hosts could otherwise keep the store overloaded.
    static constexpr Duration down_retry = std::chrono::seconds(1);
    static constexpr Duration longest_down_retry = std::chrono::seconds(4);
    static constexpr Duration quick_retry = std::chrono::milliseconds(100);
    /// Time after which the records are compared if the store may still execute the claim of a session that has ended.
    static constexpr Duration late_claim = std::chrono::seconds(8);
    /// Maximum number of calls about sessions and their records without a reply.
    static constexpr std::size_t max_calls = 64;
    /// Maximum number of records in a reply.
    static constexpr std::int64_t page = 1000;

    /// Lifetime: `effects` must outlive the agent.
    Agent(Settings settings, Effects& effects);

    /// Starts to join the fleet.
    void start(BootTime now);

    /// Handles a claim for a session whose user waits for the answer. A claim can be repeated until it is answered.
    void claim(BootTime now, Session session);
    /// Handles the end of a session, or the denial of its login.
    void release(BootTime now, std::uint64_t session);
    /// Handles the list of all sessions of the daemon: begin_list(), add_listed() for each session, claim() for each
    /// login without an answer, end_list(). All other sessions are released. A session that is being released is
    /// recorded afterwards.
    void begin_list();
    void add_listed(Session session);
    void end_list(BootTime now);
    /// Records the digest of the policy that is in effect on this host.
    void describe_policy(BootTime now, std::string digest);

    /// Handles the result of a call. `repeated` is true if the call was sent more than once, so that the store may
    /// still execute it again.
    void on_reply(BootTime now, std::uint64_t id, const CallResult& result, bool repeated = false);
    void on_time(BootTime now);
    /// Returns the time at which on_time() must be called.
    [[nodiscard]] BootTime deadline() const;

    /// Revokes the lease, which deletes all records of the host. From then on claims are answered `unknown`, and
    /// `reason` is reported. Called when the system shuts down, or by an administrator.
    void leave(BootTime now, std::string reason);
    [[nodiscard]] bool has_left() const { return left_; }

    [[nodiscard]] bool is_up() const { return reported_up_; }
    [[nodiscard]] const Keys& keys() const { return keys_; }
    [[nodiscard]] std::int64_t lease() const { return lease_; }
    /// Returns the number of recorded sessions.
    [[nodiscard]] std::size_t recorded() const;

  private:
    enum class State : std::uint8_t {
        claiming,  ///< The daemon waits for the answer.
        owed,      ///< The session exists, and is not known to be recorded.
        repairing, ///< The session is being recorded.
        held,      ///< The session is recorded.
        releasing, ///< The session has ended, and its record is being deleted.
    };
    struct Entry {
        Session session;
        State state = State::claiming;
        std::uint32_t slot = 0;
        std::int64_t revision = 0;
        std::optional<Claim> claim{};
        std::uint64_t call = 0; ///< ID of the call without reply; 0 if none.
        BootTime answer_by = never;
        BootTime retry_at{};
        /// The session, if the daemon has announced it again during the release. `answer_by` is that of its claim.
        std::optional<Session> again{};
        /// The answer to a claim that found all slots occupied while this host released some. The claim is repeated
        /// until answer_by. Empty again if a repeated claim fails.
        std::optional<Answer> full{};
        bool listed = false;
        bool doubtful = false; ///< The store may still execute a call of the claim.
    };
    /// Step of the connection to the store. At most one call of these steps has no reply.
    enum class Step : std::uint8_t {
        read_host,
        revoke,
        grant,
        put_host,
        keep_alive,
        read_records,
        list_lease,
        describe
    };
    struct Control {
        Step step = Step::read_host;
        std::uint64_t call = 0;
        BootTime next = never; ///< Time of the next attempt, if `call` is 0.
    };

    void pump(BootTime now);
    void send_control(BootTime now);
    void send_due(BootTime now, const std::set<std::uint64_t>& keys, bool are_repeated);
    void send(std::uint64_t key, Entry& entry);
    std::uint64_t send(const Call& call);
    void go_on(BootTime now, Step step);
    void on_control(BootTime now, const CallResult& result);
    void on_control_failure(BootTime now, const CallFailure& failure);
    void on_revoked(BootTime now);
    void on_host_record(BootTime now, const TransactionReply& reply);
    void on_lease(BootTime now, const LeaseReply& reply);
    void on_records(BootTime now, const TransactionReply& reply);
    void on_restored(std::int64_t revision);
    void on_lease_list(BootTime now, const LeaseReply& reply);
    void on_session_reply(BootTime now, std::uint64_t key, Entry& entry, const CallResult& result);
    void on_claimed(BootTime now, std::uint64_t key, Entry& entry, const Claimed& claimed);
    [[nodiscard]] bool is_outdated(const std::string& user, std::int64_t revision) const;
    void on_released(BootTime now, std::uint64_t key, Entry& entry, const TransactionReply& reply);
    void forget(BootTime now, std::uint64_t key, Entry& entry, std::int64_t revision);
    void note_success();
    void note_failure(BootTime now, const std::string& what);
    void note_unreachable(BootTime now);
    void lose_lease(BootTime now);
    void go_down(const std::string& why);
    void go_up();
    void refuse(BootTime now, std::uint64_t key, Entry& entry, const std::string& reason);
    void apply(BootTime now, const SyncPlan& plan);
    void give_answers(BootTime now);
    void answer(BootTime now, std::uint64_t key, Entry& entry, const Answer& answer);
    void owe(std::uint64_t key, Entry& entry);
    void compare_soon(BootTime now);
    void set_answer_by(std::uint64_t key, Entry& entry, BootTime time);
    void set_state(std::uint64_t key, Entry& entry, State state);
    void erase(std::uint64_t key);
    [[nodiscard]] bool has_room(std::uint64_t key) const;
    /// Returns true if sessions that exist on this host are being recorded. New logins wait until this is done.
    [[nodiscard]] bool is_recording() const { return !repairing_.empty(); }
    [[nodiscard]] bool may_call(const Entry& entry, bool admits) const;
    [[nodiscard]] BootTime soon(BootTime now, Duration pause);
    [[nodiscard]] BootTime next_retry(BootTime now);

    Settings settings_;
    Keys keys_;
    Effects& effects_;
    std::minstd_rand random_;
    std::map<std::uint64_t, Entry> entries_{};
    std::set<std::uint64_t> active_{};               ///< Keys of the entries that are neither held nor owed.
    std::set<std::uint64_t> awaited_{};              ///< Those whose users wait for an answer.
    std::set<std::uint64_t> repairing_{};            ///< Those in the state `repairing`.
    std::map<std::uint64_t, std::uint64_t> calls_{}; ///< Sessions by the IDs of calls without a reply. 0: none.
    std::uint64_t last_call_ = 0;
    Control control_;
    std::int64_t lease_ = 0;
    std::int64_t host_modified_ = 0; ///< Revision of the host's record when it was read.
    StoredRecords read_;
    std::int64_t newest_ = 0; ///< Highest revision of a reply. Lower again after a backup of the store was restored.
    std::int64_t read_after_ = 0; ///< The same when the reading of the records has started.
    std::int64_t released_ = 0;   ///< Revision of the last release of a slot of this host.
    BootTime keep_alive_at_ = never;
    BootTime sync_at_ = never;
    BootTime recheck_at_{};          ///< Time after which no claim of an ended session is executed any more.
    BootTime describe_at_ = never;   ///< Time at which the host's record must be written again.
    BootTime failing_since_ = never; ///< Time of the first failed call since the last reply.
    std::string failure_;            ///< Description of the last failed call.
    Duration down_pause_ = down_retry;
    bool listed_ = false;       ///< The daemon has listed its sessions.
    bool is_listing_ = false;   ///< The daemon is listing its sessions.
    bool synced_ = false;       ///< The records have been compared since the host joined.
    bool joined_ = false;       ///< This process has joined the fleet before.
    bool host_missing_ = false; ///< The record of the host was deleted while its lease existed.
    bool down_ = false;         ///< No call has been answered for answer_timeout.
    /// The store has rejected a call of the lease or a claim, or another machine uses the host's name.
    bool refused_ = false;
    bool reported_up_ = false;
    std::string reported_reason_; ///< Reason of the last report that the fleet is down; empty if it is up.
    bool left_ = false;
    std::string left_reason_;
};

} // namespace sesslimit::fleet
