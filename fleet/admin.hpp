// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/admin_protocol.hpp"
#include "fleet/agent.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sesslimit::fleet {

/// The state of this host in the fleet.
struct HostState {
    bool up = false;
    std::string reason{}; ///< Reason why the host claims no slots; empty if `up`.
    std::int64_t lease = 0;
    std::uint32_t sessions = 0; ///< Number of recorded sessions.
};

/// The receiver of the effects of an AdminRequest. Its functions must not call the request.
class AdminEffects {
  public:
    virtual ~AdminEffects() = default;
    /// Sends a call to the store. AdminRequest::on_reply() receives its result.
    virtual void call(std::uint64_t id, const Call& call) = 0;
    /// Reports changes of keys from a revision on to AdminRequest::on_change(), until AdminRequest::on_watch_lost() is
    /// called.
    virtual void watch(const KeyRange& keys, std::int64_t revision) = 0;
    /// Sends a frame of the reply, whose texts are valid until the function returns.
    virtual void send(const admin::Row& row) = 0;
    /// Makes this host leave the fleet (Agent::leave()). AdminRequest::on_left() is called when its lease is revoked.
    virtual void leave(const std::string& reason) = 0;
};

/// A request of an administrator, from the request to the last frame of the reply. Like Agent, it has no clock and no
/// socket. It has one call to the store at a time, or one for each node for the state of the nodes. It does not read
/// the next records from the store until the earlier ones have been sent.
class AdminRequest {
  public:
    struct Settings {
        std::string fleet{}; ///< Name of the fleet, valid according to is_valid_name().
        std::string host{};  ///< Name of this host in the fleet, also valid.
        std::string version{};
        bool by_uid = false; ///< The fleet identifies users by their IDs.
        std::chrono::seconds host_ttl{30};
        std::vector<std::string> endpoints{}; ///< Nodes of etcd as HOST:PORT.
        std::uint64_t order = 0;              ///< Number for an order to terminate sessions: random, and not 0.
    };

    /// Time for which a call without a reply is repeated.
    static constexpr Duration patience = std::chrono::seconds(5);
    static constexpr Duration retry = std::chrono::milliseconds(200);
    /// Time for which an order can be read by hosts that were away.
    static constexpr std::chrono::seconds order_ttl = std::chrono::hours(1);
    /// Time over which the hosts distribute the results of an order, for each host. etcd processes more than 500 puts a
    /// second, and also answers claims in this time.
    static constexpr std::chrono::milliseconds spread_per_host{2};
    /// Maximum number of records that are read at once.
    static constexpr std::size_t page = 256;
    /// Maximum number of operations in a transaction. etcd permits 128 by default.
    static constexpr std::size_t batch = 64;

    /// Lifetime: `effects` must outlive the request.
    AdminRequest(Settings settings, AdminEffects& effects);

    /// Starts the request. Called once.
    void start(BootTime now, const admin::Request& request, const HostState& state);

    void on_reply(BootTime now, std::uint64_t id, const CallResult& result);
    void on_change(BootTime now, const std::string& key, const std::string& value);
    void on_watch_lost(BootTime now);
    /// Handles that this host has left the fleet.
    void on_left();
    /// Handles that all frames have been sent. Called if waits_until_sent() is true.
    void on_sent(BootTime now);
    [[nodiscard]] bool waits_until_sent() const { return next_ && unsent_; }
    void on_time(BootTime now);
    /// Returns the time at which on_time() must be called.
    [[nodiscard]] BootTime deadline() const;
    /// Returns true if the last frame of the reply has been passed to the effects.
    [[nodiscard]] bool is_done() const { return step_ == Step::done; }

  private:
    enum class Step : std::uint8_t {
        sessions,
        slots,
        details,
        hosts,
        counts,
        nodes,
        fleet_size,
        grant,
        order,
        collect,
        acks,
        revoke,
        all_slots,
        free_slot,
        leave,
        done
    };
    struct Slot {
        SlotKey key;
        SlotRecord record;
        std::int64_t modified = 0;
    };
    /// A call for the state of a node without a reply.
    struct Asked {
        std::size_t node = 0;
        BootTime since{};
        bool is_connected = false; ///< The node has answered before.
    };
    struct NodeResult {
        std::optional<NodeReply> reply{};
        std::string problem{};
        Duration latency{};
    };

    void begin(BootTime now, const admin::List& request, const HostState& state);
    void begin(BootTime now, const admin::Hosts& request, const HostState& state);
    void begin(BootTime now, const admin::Status& request, const HostState& state);
    void begin(BootTime now, const admin::End& request, const HostState& state);
    void begin(BootTime now, const admin::Drain& request, const HostState& state);
    void begin(BootTime now, const admin::Forget& request, const HostState& state);
    std::string identity_of(std::string_view user, const std::optional<std::uint32_t>& uid);

    void plan(BootTime now, Step step, Call call);
    void read_page(BootTime now, Step step, std::size_t limit);
    void note_page(const TransactionReply& reply, std::size_t limit);
    void pump(BootTime now);
    void send(const admin::Row& row);
    void finish(admin::Done::Code code, std::string_view text = {});

    void on_failure(BootTime now, const CallFailure& failure);
    void on_transaction(BootTime now, const TransactionReply& reply);
    void on_sessions(BootTime now, const TransactionReply& reply);
    void on_slots(BootTime now, const TransactionReply& reply);
    void on_details(BootTime now, const TransactionReply& reply);
    void on_hosts(BootTime now, const TransactionReply& reply);
    void on_counts(BootTime now, const TransactionReply& reply);
    void on_node(BootTime now, const Asked& asked, const CallResult& result);
    void on_alarms(const CallResult& result);
    void send_nodes();
    void on_fleet_size(BootTime now, const TransactionReply& reply);
    void on_order(BootTime now, const TransactionReply& reply);
    void on_acks(BootTime now, const TransactionReply& reply);
    void on_ack(const std::string& key, const std::string& value);
    void read_acks(BootTime now);
    void on_all_slots(BootTime now, const TransactionReply& reply);
    void on_freed(BootTime now, const TransactionReply& reply);
    void free_next(BootTime now);
    void send_session(const HostKey& session, std::string_view user, const SessionRecord& record);

    Settings settings_;
    Keys keys_;
    AdminEffects& effects_;
    Step step_ = Step::sessions;
    std::optional<Call> next_{}; ///< Call that is sent when it is due and all frames have been sent.
    BootTime due_at_ = never;
    BootTime give_up_at_ = never;
    std::uint64_t last_call_ = 0;
    std::uint64_t calling_ = 0;    ///< ID of the call without a reply; 0 if none.
    std::optional<Call> repeat_{}; ///< The call without a reply.
    bool unsent_ = false;

    KeyRange range_{};     ///< Keys that have not been read yet.
    bool is_last_ = false; ///< The records that are being handled are those of the last page.
    std::vector<Slot> slots_{};
    bool has_details_ = true; ///< This host may read the sessions of other hosts.
    std::string host_{};      ///< Host whose slots are freed.
    std::vector<std::pair<std::string, HostRecord>> hosts_{};

    std::map<std::uint64_t, Asked> asked_{};
    std::uint64_t alarms_call_ = 0;
    std::vector<NodeResult> nodes_{};
    std::vector<Alarm> alarms_{};
    std::string alarms_problem_{};

    EndOrder order_{};
    Duration timeout_{};
    std::int64_t lease_ = 0;
    std::int64_t watched_from_ = 0;
    BootTime collect_until_ = never;
    BootTime rewatch_at_ = never;
    std::set<std::string> missing_{};    ///< Hosts that have not answered the order.
    std::set<std::string> answered_{};   ///< Hosts that have answered it.
    std::vector<std::string> checked_{}; ///< Missing hosts whose answers are being read.
    std::string error_{};
    admin::Done::Code error_code_ = admin::Done::Code::failed;
};

} // namespace sesslimit::fleet
