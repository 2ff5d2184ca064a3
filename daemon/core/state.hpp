// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/decision.hpp"
#include "daemon/core/session.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sesslimit::core {

/// Every session there is, found by key, user, leader, logind's id and deadline. A value: no clock, no I/O.
/// Each call is O(log n) or better in the number of sessions, but for those that say otherwise.
class State {
  public:
    using Sessions = std::map<SessionKey, Session>;

    /// Pointers live until the session is next put or dropped. Null: there is none.
    [[nodiscard]] const Session* find(SessionKey key) const;
    [[nodiscard]] const Session* by_logind(const std::string& id) const;
    [[nodiscard]] const Session* by_request(RequestId request) const; ///< O(waiting sessions)

    /// The youngest session of this leader, whatever its phase. A leader of unknown mark matches by its pid.
    [[nodiscard]] const Session* by_leader(const Leader& leader) const;

    /// The sessions of a user in the order of their keys, which is that of their coming; empty where there is none.
    [[nodiscard]] const std::set<SessionKey>& of_user(uid_t uid) const;

    /// How many sessions of this user take a place.
    [[nodiscard]] std::size_t counted(uid_t uid) const;

    /// How many sessions take a place, of all users.
    [[nodiscard]] std::size_t counted() const { return counted_; }

    /// How many sessions take a place and count in the total of this rule.
    [[nodiscard]] std::size_t counted(policy::SourceId rule) const;

    /// The session whose deadline is the earliest; null where no session has one.
    [[nodiscard]] const Session* next_due() const;

    /// The key that the next new session is given.
    [[nodiscard]] SessionKey next_key() const { return next_key_; }

    /// Keys from here on are given. Never goes back.
    void give_keys_from(SessionKey key);

    [[nodiscard]] const Sessions& sessions() const { return sessions_; }

    void put(const Session& session);
    void drop(SessionKey key);

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
    std::set<SessionKey> waiting_;
    std::unordered_map<policy::SourceId, std::size_t> shared_counts_;
    std::size_t counted_ = 0;
    SessionKey next_key_{1};
};

/// Folds the records of a decision into the state.
void apply(State& state, const Decision& decision);

} // namespace sesslimit::core
