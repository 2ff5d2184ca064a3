// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The transactions with which a host claims and releases a slot of a user. A user has as many slots as the limit
/// permits, and etcd is linearizable, so that the fleet cannot admit more sessions than the limit.
namespace sesslimit::fleet {

/// Maximum number of slots that one transaction tries, which bounds its nesting.
inline constexpr std::uint32_t max_tries = 16;
/// Maximum number of transactions of one claim. Each of them after the first is necessary only if other hosts have
/// changed the slots of the user in the meantime.
inline constexpr int max_rounds = 32;

/// A session of this host for which a slot is claimed.
struct Session {
    std::uint64_t key = 0;   ///< Number of the session on this host, never 0 and never used for another session.
    std::uint32_t limit = 0; ///< Limit of the user, 1 to max_limit.
    /// True if the claim must fail if the limit is reached. False if the session is counted in any case, because its
    /// host has already admitted it.
    bool enforced = true;
    SessionRecord record{}; ///< User and description. The slot has no meaning.
    bool operator==(const Session&) const = default;
};

/// A session that occupies a slot of a user.
struct Holder {
    std::uint32_t slot = 0;
    SlotRecord record{};
    bool operator==(const Holder&) const = default;
};

/// The result of a claim.
struct Claimed {
    enum class Outcome : std::uint8_t {
        granted,
        full,      ///< The limit is reached.
        contended, ///< Other hosts changed the slots in each round. The claim can be repeated.
    };
    Outcome outcome = Outcome::contended;
    std::uint32_t slot = 0; ///< The slot if the outcome is `granted`.
    /// Start of the session as recorded by an earlier claim. The clock of the host may have been set since.
    std::optional<std::int64_t> since{};
    std::int64_t revision = 0;     ///< The revision of the store at which the claim was granted or denied.
    std::uint32_t count = 0;       ///< Number of occupied slots of the user if the outcome is `full`.
    std::vector<Holder> holders{}; ///< Sessions that occupy them. Slots with invalid records are counted only.
};

/// The claim for one session. The caller runs transaction() and passes the reply to on_reply(), until that returns a
/// result. A transaction whose reply was lost can be repeated, because a granted claim finds its own record.
class Claim {
  public:
    /// The state of a record of the session that the caller has already seen in the store.
    struct Previous {
        std::int64_t modified = 0; ///< Revision of the session's record; 0 if it has none.
        std::uint32_t slot = 0;    ///< Slot that the session had, which it gets again if possible; 0 if unknown.
    };

    /// `lease` is the lease of the host.
    Claim(const Keys& keys, Session session, std::int64_t lease) : Claim(keys, std::move(session), lease, Previous{}) {}
    Claim(const Keys& keys, Session session, std::int64_t lease, Previous previous);

    [[nodiscard]] Transaction transaction() const;

    /// Returns the result of the claim, or nullopt if the next transaction() must be run.
    std::optional<Claimed> on_reply(const TransactionReply& reply);

  private:
    [[nodiscard]] Transaction try_slots() const;
    [[nodiscard]] Transaction put_if_unchanged() const;
    [[nodiscard]] std::vector<Operation> puts(std::uint32_t slot) const;
    [[nodiscard]] Compare unrecorded() const;
    std::optional<Claimed> on_other_state(const TransactionReply& reply);
    std::optional<Claimed> choose(const TransactionReply& reply);

    Keys keys_;
    Session session_;
    std::int64_t lease_;
    Previous previous_;
    std::vector<std::uint32_t> candidates_{};
    /// Revision at which the slots were counted. 0 unless keys beyond the limit exist.
    std::int64_t counted_ = 0;
    int rounds_ = 0;
};

/// Returns the transaction that releases the slot of a session of this host. The slot is not changed if another session
/// occupies it. The transaction can be repeated.
Transaction release(const Keys& keys, std::uint64_t session, const SessionRecord& record);

} // namespace sesslimit::fleet
