// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// The operations of etcd that the fleet uses, as values. The pure code of the fleet creates and reads them, the client
/// translates them to etcd's messages, and the tests interpret them.
namespace sesslimit::fleet {

/// A range of keys in etcd, from `first` up to but not including `end`. If `end` is empty, it is the key `first` alone.
struct KeyRange {
    std::string first{};
    std::string end{};
    bool operator==(const KeyRange&) const = default;
};

/// A condition of a transaction. It must be true for every existing key of the range. A key that does not exist has the
/// revisions 0 and the lease 0, and a comparison of its value is false.
struct Compare {
    enum class Target : std::uint8_t { created, modified, value, lease };
    enum class Relation : std::uint8_t { equal, less };
    KeyRange keys{};
    Target target = Target::created;
    Relation relation = Relation::equal;
    std::int64_t number = 0; ///< Operand for all targets except `value`.
    std::string text{};      ///< Operand for the target `value`.
};

struct Put {
    std::string key{};
    std::string value{};
    std::int64_t lease = 0; ///< ID of the lease that deletes the key when it expires; 0 if none.
};

struct Get {
    KeyRange keys{};
    std::int64_t limit = 0;  ///< Maximum number of keys in the reply; 0 if unlimited.
    bool count_only = false; ///< Count the keys instead of returning them.
};

struct Delete {
    KeyRange keys{};
};

struct Transaction;
using Operation = std::variant<Get, Put, Delete, Transaction>;

/// A transaction of etcd, which runs as a whole or not at all. It runs `success` if all conditions are true, and
/// `failure` otherwise. Each of the two lists contains at most one nested transaction, at its end.
struct Transaction {
    std::vector<Compare> conditions{};
    std::vector<Operation> success{};
    std::vector<Operation> failure{};
    /// No user waits for the reply. A node has more time to answer, because calls of many hosts that go to the next
    /// node increase the load of nodes that are slow.
    bool is_patient = false;
};

/// Returns the transaction that only reads keys. `limit` has the same meaning as in Get.
inline Transaction read_of(KeyRange keys, std::int64_t limit = 0) {
    Transaction whole;
    whole.success = {Get{std::move(keys), limit}};
    return whole;
}

/// A key of etcd with its value and the revisions at which it was created and last modified.
struct KeyValue {
    std::string key{};
    std::string value{};
    std::int64_t created = 0;
    std::int64_t modified = 0;
    std::int64_t lease = 0;
    bool operator==(const KeyValue&) const = default;
};

/// The reply to a transaction.
struct TransactionReply {
    /// Revision of the store at which the transaction ran.
    std::int64_t revision = 0;
    /// The results of the conditions of the transaction and of its nested transactions, from the outermost to the
    /// innermost that ran.
    std::vector<bool> succeeded{};
    /// The keys that the executed operations found, in their order.
    std::vector<KeyValue> found{};
    /// The number of keys in the range of each executed Get, in their order.
    std::vector<std::int64_t> counts{};
};

} // namespace sesslimit::fleet
