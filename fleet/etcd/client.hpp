// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/event_loop.hpp"
#include "fleet/agent.hpp"
#include "fleet/etcd/credentials.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sesslimit::fleet::etcd {

/// Client of the nodes of an etcd cluster. It sends each call to one node, and to the next node if no answer arrives in
/// time. A thread waits for the answers of etcd, and passes them to the event loop.
class Client {
  public:
    /// Time in which a node must answer. Calls with long replies have more time.
    static constexpr std::chrono::milliseconds try_timeout{300};
    static constexpr std::chrono::milliseconds long_reply_timeout{1000};
    static constexpr std::chrono::milliseconds patient_timeout{3000}; ///< For Transaction::is_patient.
    /// Maximum number of nodes to which a call is sent before it fails.
    static constexpr std::size_t max_tries = 3;

    /// Receives the result of a call on the thread of the event loop. It may start other calls. `repeated` is true if
    /// the call was sent to several nodes.
    using Done = std::function<void(std::uint64_t id, const CallResult& result, bool repeated)>;

    /// A change of a key that is watched.
    struct Change {
        std::string key{};
        std::string value{}; ///< Empty if the key was deleted.
        bool deleted = false;
    };
    /// Receives changes, in their order.
    using Changed = std::function<void(const std::vector<Change>& changes)>;
    /// Is called once after a watch has ended, because its node cannot be used or has no leader.
    using Lost = std::function<void()>;

    /// Starts the thread. Must be called after the signals have been blocked that the event loop handles. `addresses`
    /// are the nodes as HOST:PORT, and must not be empty. `credentials` must have passed check(). Lifetime: `loop` must
    /// outlive the client. Errors: no descriptors.
    static Result<Client> start(sd_event* loop, std::vector<std::string> addresses, const Credentials& credentials,
                                Done done);

    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    /// Cancels all calls. Their results are not delivered.
    ~Client();

    /// Starts a call. `id` must differ from the IDs of all calls without a result.
    void call(std::uint64_t id, const Call& call);

    /// Reports changes of keys from a revision on. A new watch replaces the earlier one. The watch ends if its node
    /// fails to answer a call, because a node that has stopped does not report changes either.
    void watch(const KeyRange& keys, std::int64_t revision, Changed changed, Lost lost);

    /// Uses other credentials for the calls and retries from now on, and ends the watch.
    void use(const Credentials& credentials);

  private:
    struct Impl;
    explicit Client(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::fleet::etcd
