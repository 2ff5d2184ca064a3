// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/unique_fd.hpp"
#include "daemon/core/event.hpp"
#include "daemon/core/state.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/fleet_link/message_budget.hpp"
#include "daemon/frame_queue.hpp"
#include "fleet/protocol.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <string>

namespace sesslimit {

/// The daemon's side of the connection to sesslimit-fleetd (docs/fleet-protocol.md). It passes claims and releases of
/// slots, and reports answers, the state of the fleet, and orders as events. It connects only while the policy limits
/// sessions in the fleet, or while claims remain. Otherwise it has no descriptor and no timer. After the start of the
/// daemon it connects once in any case, so that sesslimit-fleetd releases the claims of an earlier process.
///
/// After each connection it lists the sessions of the core's state. Calls for sessions while it is not connected have
/// therefore no effect.
class FleetLink {
  public:
    /// Maximum time for which the state of the fleet may be unknown after the start of the daemon, or after a
    /// connection was lost. Afterwards, the fleet is reported as down until it reports its state.
    static constexpr Duration connect_timeout = std::chrono::seconds(3);
    /// Time in which sesslimit-fleetd answers a claim. If it does not, its process hangs, and the connection is closed.
    static constexpr Duration answer_timeout = std::chrono::seconds(3);
    /// Pauses between two attempts to connect. Each pause is twice as long as the one before, up to the longest.
    static constexpr Duration first_pause = std::chrono::milliseconds(100);
    static constexpr Duration longest_pause = std::chrono::seconds(10);
    /// Maximum number of frames that sesslimit-fleetd has not read, besides those in the socket. If there are more, the
    /// connection is closed.
    static constexpr std::size_t max_queued = 1024;
    /// Maximum number of orders that are remembered.
    static constexpr std::size_t max_orders = 256;

    struct Dependencies {
        sd_event* loop;
        std::string socket; ///< path of the socket of sesslimit-fleetd
        core::EventSink& events;
        std::function<const core::State&()> state;
        /// Returns the name of the policy rule that sets the limit of a session in the fleet, or an empty text.
        std::function<std::string(const core::Session&)> rule_of;
        std::function<void(const std::string&)> warn;     ///< logs a problem
        std::function<void(const std::string&)> info;     ///< logs the end of a problem
        std::function<void(const std::string&)> repaired; ///< logs that missing records are written again
    };

    /// Lifetime: the objects that `dependencies` references must outlive the FleetLink.
    explicit FleetLink(Dependencies dependencies);
    FleetLink(const FleetLink&) = delete;
    FleetLink& operator=(const FleetLink&) = delete;
    ~FleetLink() = default;

    /// Follows a change of the policy, after the engine has applied it to the sessions. `is_limited` is true if the
    /// policy limits sessions in the fleet. `digest` is the digest of the policy.
    void follow(bool is_limited, const std::string& digest);

    /// Claims a slot for a session. If `enforced` is false, the session is recorded even if the limit is reached. The
    /// answer is reported as the event ClaimAnswered.
    void claim(const core::Session& session, bool enforced);
    /// Reports a session that exists although its claim was not answered.
    void list(const core::Session& session);
    /// Releases the slot of a session.
    void release(SessionKey key);
    /// Answers an order to terminate sessions.
    void report(const core::ReportFleetTermination& what);

    [[nodiscard]] bool is_connected() const { return static_cast<bool>(socket_); }
    /// Returns true if the link does not need the event loop.
    [[nodiscard]] bool is_idle() const { return !socket_ && !retry_timer_.is_armed() && !state_timer_.is_armed(); }

  private:
    [[nodiscard]] bool is_needed() const;
    void update();
    void connect();
    void retry();
    void close();
    void lose(const std::string& why);
    void warn_of_failure(const std::string& text);
    void set_state(core::FleetState state);
    void serve(std::uint32_t events);
    void receive();
    bool handle(std::span<const std::byte> bytes);
    void on_frame(const fleet::wire::AnswerFrame& answer);
    void on_frame(const fleet::wire::StateFrame& state);
    void on_frame(const fleet::wire::OverLimitFrame& over);
    void on_frame(const fleet::wire::RepairingFrame& repairing);
    void on_frame(const fleet::wire::EndFrame& end);
    void write();
    bool list_next();
    void finish_if_not_needed();
    void watch_writability();
    template <class Message>
    bool send_for(SessionKey key, const Message& message);
    template <class Message>
    bool send(const Message& message);
    [[nodiscard]] bool is_listed_later(SessionKey key) const;
    void expect_answered(SessionKey key);

    Dependencies dependencies_;
    UniqueFd socket_;
    EventSource source_;
    Timer retry_timer_;
    Timer state_timer_;
    Duration pause_ = first_pause;
    bool is_limited_ = false;
    /// True if sesslimit-fleetd may have claims of this host that it must be told to release, such as those of an
    /// earlier process of the daemon.
    bool owes_list_ = true;
    std::string digest_;
    std::string sent_digest_;
    core::FleetState state_ = core::FleetState::down;
    bool has_state_ = false;               ///< sesslimit-fleetd has reported a state on this connection
    bool is_listing_ = false;              ///< the list of sessions is being sent
    bool failure_logged_ = false;          ///< a failure to connect was logged, and no state was reported since
    MessageBudget budget_;                 ///< a process that is taken over could fill the journal
    std::uint64_t connection_ = 0;         ///< number of the connection
    SessionKey listed_ = SessionKey::none; ///< last session of the list that was sent
    FrameQueue queue_{max_queued};
    /// Numbers of the newest orders, with the numbers of sessions that they terminated. sesslimit-fleetd repeats an
    /// order after a lost connection, and the repetition must not terminate sessions that were opened since.
    std::map<std::uint64_t, std::uint32_t> orders_;
    std::deque<std::uint64_t> newest_orders_; ///< Their numbers, which are random, from the oldest to the newest.
    /// Times of the claims that sesslimit-fleetd has not answered, CLOCK_MONOTONIC.
    std::map<SessionKey, MonotonicTime> unanswered_;
    /// Buffer for one frame. The additional byte detects a longer one.
    std::array<std::byte, fleet::wire::max_frame + 1> buffer_{};
};

} // namespace sesslimit
