// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/agent.hpp"

#include <functional>
#include <map>
#include <string>
#include <utility>

namespace sesslimit::fleet::model {

/// A linearizable store with the semantics of etcd, as far as the fleet uses them. Time is an argument.
class Store {
  public:
    /// Called after each transaction or expiry that has created or deleted keys.
    std::function<void(const std::string& created, const std::string& value)> on_create;
    std::function<void(const std::string& deleted)> on_delete;

    /// Executes a call as a whole.
    CallResult execute(BootTime now, const Call& call);
    /// Deletes the keys of leases that have expired.
    void expire(BootTime now);
    void remove(const std::string& key);

    [[nodiscard]] const std::map<std::string, KeyValue>& keys() const { return keys_; }
    [[nodiscard]] std::size_t count(const KeyRange& range) const;

  private:
    struct Lease {
        std::chrono::seconds ttl{};
        BootTime expires{};
    };
    using Iterators =
        std::pair<std::map<std::string, KeyValue>::const_iterator, std::map<std::string, KeyValue>::const_iterator>;

    [[nodiscard]] Iterators find(const KeyRange& range) const;
    [[nodiscard]] bool holds(const Compare& condition) const;
    [[nodiscard]] bool has_unknown_lease(const Transaction& transaction) const;
    void run(const Transaction& transaction, TransactionReply& reply);
    void revoke(std::int64_t lease);

    std::map<std::string, KeyValue> keys_;
    std::map<std::int64_t, Lease> leases_;
    std::int64_t revision_ = 1;
    std::int64_t last_lease_ = 0;
};

} // namespace sesslimit::fleet::model
