// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/decision.hpp"
#include "daemon/core/session.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sesslimit::core {

/// All sessions that the core knows, with indexes by key, user, leader process, logind ID and deadline, and the recent
/// displacements. The class is a
/// value type and uses neither a clock nor I/O. Member functions take O(log n) time or less for n sessions, except as
/// noted.
class State {
  public:
    using Sessions = std::map<SessionKey, Session>;

    /// Returns the session, or null if it does not exist. Lifetime: the pointer is valid until the next put() or drop()
    /// of the session.
    [[nodiscard]] const Session* find(SessionKey key) const;
    /// Returns a session that exists, for example one from of_user(). The result is undefined if it does not exist.
    [[nodiscard]] const Session& at(SessionKey key) const { return sessions_.find(key)->second; }
    [[nodiscard]] const Session* by_logind(const std::string& id) const;
    [[nodiscard]] const Session* by_request(RequestId request) const; ///< O(open requests)

    /// Returns the newest session, in any phase, that the process `leader` opened for `user`, or for any user. Returns
    /// null if there is none. A process is identified by its PID and its mark (pidfd inode or start time). If the mark
    /// is unknown, the PID alone decides.
    [[nodiscard]] const Session* by_leader(const Leader& leader, std::optional<uid_t> user = {}) const;

    /// Returns the sessions of a user in the order of their keys, which is the order of arrival. Returns an empty set
    /// if the user has no session.
    [[nodiscard]] const std::set<SessionKey>& of_user(uid_t uid) const;

    /// Returns the number of sessions of a user that occupy a session slot (count toward max_sessions).
    [[nodiscard]] std::size_t counted(uid_t uid) const;

    /// Returns the number of sessions of all users that occupy a session slot (count toward max_sessions).
    [[nodiscard]] std::size_t counted() const { return counted_; }

    /// Returns the number of sessions that count toward the shared limit (max_sessions_total) of a policy rule.
    [[nodiscard]] std::size_t counted(policy::SourceId rule) const;

    /// Returns the session with the earliest deadline, or null if no session has a deadline.
    [[nodiscard]] const Session* next_due() const;

    /// Returns the key for the next new session.
    [[nodiscard]] SessionKey next_key() const { return next_key_; }

    /// Sets the key for the next new session to `key`. Does nothing if the next key is already greater than `key`.
    void give_keys_from(SessionKey key);

    [[nodiscard]] const Sessions& sessions() const { return sessions_; }

    /// Returns the number of sessions and logins that have claimed a slot of the fleet.
    [[nodiscard]] std::size_t claims() const { return claims_; }

    [[nodiscard]] FleetState fleet() const { return fleet_; }

    /// Returns the recent displacements of sessions of a user.
    [[nodiscard]] const Displacements& displacements_of(uid_t uid) const;

    void put(const Session& session);
    void drop(SessionKey key);

    /// Replaces the recent displacements of a user. At most max_displaced_users users are stored. For a further one,
    /// the user whose displacements are forgotten first is removed, in O(max_displaced_users).
    void put(const PutDisplacements& record);

    void put(const PutFleetState& record) { fleet_ = record.state; }

    static constexpr std::size_t max_displaced_users = 1000;

  private:
    struct User {
        std::set<SessionKey> keys;
        std::size_t counted = 0;
    };

    void enter(const Session& session);
    void leave(const Session& session);

    Sessions sessions_;
    std::unordered_map<uid_t, User> users_;
    std::unordered_multimap<pid_t, SessionKey> leaders_;
    std::unordered_map<std::string, SessionKey> logind_ids_;
    std::set<std::pair<BootTime, SessionKey>> deadlines_;
    std::set<SessionKey> requesting_;
    std::map<uid_t, Displacements> displacements_;
    std::unordered_map<policy::SourceId, std::size_t> shared_counts_;
    std::size_t counted_ = 0;
    std::size_t claims_ = 0;
    FleetState fleet_ = FleetState::down;
    SessionKey next_key_{1};
};

/// Applies the records of a decision, which add, replace and remove sessions, to the core's state.
void apply(State& state, const Decision& decision);

} // namespace sesslimit::core
