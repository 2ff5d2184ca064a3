// SPDX-License-Identifier: MIT
#include "fleet/etcd/client.hpp"

#include "common/clock.hpp"
#include "common/unique_fd.hpp"
#include "fleet/etcd/channel.hpp"
#include "fleet/etcd/messages.hpp"

#include <etcd.grpc.pb.h>
#include <grpcpp/grpcpp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace sesslimit::fleet::etcd {
namespace {

namespace pb = etcdserverpb;

/// Connection to one node.
struct Node {
    std::string address;
    std::shared_ptr<grpc::Channel> channel;
};

/// Deadline of gRPC for a call, which ends much earlier: the event loop ends each attempt after its timeout. gRPC wakes
/// up more often if deadlines are short. With 300 ms, an idle host with gRPC 1.51 woke up 6 times a second, and with
/// 5 s 3 times.
constexpr std::chrono::seconds grpc_deadline{5};
constexpr Duration timeout_accuracy = std::chrono::milliseconds(10);

/// An operation of gRPC. Its address is the tag of each completion.
struct Operation {
    Operation() = default;
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    virtual ~Operation() = default;
};

/// One attempt to get an answer from a node.
struct Attempt : Operation {
    /// Reads the answer. The status must be OK.
    [[nodiscard]] virtual CallResult result() const = 0;

    grpc::ClientContext context;
    grpc::Status status;
    std::uint64_t id = 0;
    std::size_t node = 0;
    std::optional<Timer> timer; ///< Cancels the attempt.
    bool timed_out = false;
};

CallResult result_of(const pb::TxnResponse& response) {
    return translate(response);
}
CallResult result_of(const pb::LeaseGrantResponse& response) {
    return LeaseReply{.lease = response.id(), .ttl = std::chrono::seconds(response.ttl())};
}
CallResult result_of(const pb::LeaseKeepAliveResponse& response) {
    return LeaseReply{.lease = response.id(), .ttl = std::chrono::seconds(response.ttl())};
}
CallResult result_of(const pb::LeaseRevokeResponse&) {
    return LeaseReply{};
}
CallResult result_of(const pb::LeaseTimeToLiveResponse& response) {
    return LeaseReply{.lease = response.id(),
                      .ttl = std::chrono::seconds(response.ttl()),
                      .keys = {response.keys().begin(), response.keys().end()}};
}

CallResult result_of(const pb::StatusResponse& response) {
    return translate(response);
}
CallResult result_of(const pb::AlarmResponse& response) {
    return translate(response);
}

template <class Response>
struct TypedAttempt final : Attempt {
    [[nodiscard]] CallResult result() const override { return result_of(response); }

    Response response;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
};

template <class Response>
std::unique_ptr<TypedAttempt<Response>> new_attempt() {
    auto attempt = std::make_unique<TypedAttempt<Response>>();
    // The monotonic clock, because the wall clock can be set in the meantime.
    attempt->context.set_deadline(
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(grpc_deadline.count(), GPR_TIMESPAN)));
    return attempt;
}

/// Returns the time in which a node must answer a call.
std::chrono::milliseconds timeout_of(const Call& call) {
    const auto* transaction = std::get_if<Transaction>(&call);
    if (transaction != nullptr && transaction->is_patient) {
        return Client::patient_timeout;
    }
    const bool is_read = transaction != nullptr && transaction->conditions.empty() &&
                         std::ranges::all_of(transaction->success, [](const auto& operation) {
                             return std::holds_alternative<Get>(operation);
                         });
    const bool is_long = is_read || std::holds_alternative<KeepAlive>(call) ||
                         std::holds_alternative<RevokeLease>(call) || std::holds_alternative<ListLease>(call) ||
                         std::holds_alternative<NodeStatus>(call) || std::holds_alternative<ListAlarms>(call);
    return is_long ? Client::long_reply_timeout : Client::try_timeout;
}

/// Sends a call to a node. The attempt is the tag of its completion.
struct Send {
    const std::shared_ptr<grpc::Channel>& channel;
    grpc::CompletionQueue& queue;

    std::unique_ptr<Attempt> operator()(const Transaction& transaction) const {
        auto attempt = new_attempt<pb::TxnResponse>();
        pb::TxnRequest request;
        translate(transaction, request);
        attempt->reader = pb::KV::NewStub(channel)->AsyncTxn(&attempt->context, request, &queue);
        return finish(std::move(attempt));
    }
    std::unique_ptr<Attempt> operator()(const GrantLease& grant) const {
        auto attempt = new_attempt<pb::LeaseGrantResponse>();
        pb::LeaseGrantRequest request;
        request.set_ttl(grant.ttl.count());
        attempt->reader = pb::Lease::NewStub(channel)->AsyncLeaseGrant(&attempt->context, request, &queue);
        return finish(std::move(attempt));
    }
    std::unique_ptr<Attempt> operator()(const RevokeLease& revoke) const {
        auto attempt = new_attempt<pb::LeaseRevokeResponse>();
        pb::LeaseRevokeRequest request;
        request.set_id(revoke.lease);
        attempt->reader = pb::Lease::NewStub(channel)->AsyncLeaseRevoke(&attempt->context, request, &queue);
        return finish(std::move(attempt));
    }
    std::unique_ptr<Attempt> operator()(const KeepAlive& keep) const {
        auto attempt = new_attempt<pb::LeaseKeepAliveResponse>();
        pb::LeaseKeepAliveRequest request;
        request.set_id(keep.lease);
        attempt->reader = pb::Lease::NewStub(channel)->AsyncLeaseKeepAlive(&attempt->context, request, &queue);
        return finish(std::move(attempt));
    }
    std::unique_ptr<Attempt> operator()(const ListLease& list) const {
        auto attempt = new_attempt<pb::LeaseTimeToLiveResponse>();
        pb::LeaseTimeToLiveRequest request;
        request.set_id(list.lease);
        request.set_keys(true);
        attempt->reader = pb::Lease::NewStub(channel)->AsyncLeaseTimeToLive(&attempt->context, request, &queue);
        return finish(std::move(attempt));
    }

    std::unique_ptr<Attempt> operator()(const NodeStatus&) const {
        auto attempt = new_attempt<pb::StatusResponse>();
        attempt->reader = pb::Maintenance::NewStub(channel)->AsyncStatus(&attempt->context, {}, &queue);
        return finish(std::move(attempt));
    }
    std::unique_ptr<Attempt> operator()(const ListAlarms&) const {
        auto attempt = new_attempt<pb::AlarmResponse>();
        attempt->reader = pb::Maintenance::NewStub(channel)->AsyncAlarm(&attempt->context, {}, &queue);
        return finish(std::move(attempt));
    }

  private:
    template <class Response>
    static std::unique_ptr<Attempt> finish(std::unique_ptr<TypedAttempt<Response>> attempt) {
        attempt->reader->Finish(&attempt->response, &attempt->status, static_cast<Operation*>(attempt.get()));
        return attempt;
    }
};

/// A watch on one node. At most one step of it is not completed.
struct WatchStream final : Operation {
    enum class Step : std::uint8_t { start, write, read, finish, done };

    grpc::ClientContext context;
    grpc::Status status;
    pb::WatchRequest request;
    pb::WatchResponse response;
    std::unique_ptr<grpc::ClientAsyncReaderWriter<pb::WatchRequest, pb::WatchResponse>> stream;
    Step step = Step::start;
    std::size_t node = 0;
    Client::Changed changed;
    Client::Lost lost;

    void start(const std::shared_ptr<grpc::Channel>& channel, grpc::CompletionQueue& queue) {
        context.AddMetadata("hasleader", "true"); // the node ends the watch if it has no leader
        stream = pb::Watch::NewStub(channel)->PrepareAsyncWatch(&context, &queue);
        stream->StartCall(tag());
    }

    /// Starts the step that follows a completed one. Returns false if none follows.
    bool go_on(bool ok) {
        if (!ok || (step == Step::read && response.canceled())) {
            if (step == Step::finish) {
                step = Step::done;
                return false;
            }
            context.TryCancel();
            step = Step::finish;
            stream->Finish(&status, tag());
        } else if (step == Step::start) {
            step = Step::write;
            stream->Write(request, tag());
        } else if (step == Step::finish) {
            step = Step::done;
            return false;
        } else {
            step = Step::read;
            stream->Read(&response, tag());
        }
        return true;
    }

    [[nodiscard]] std::vector<Client::Change> changes() const {
        std::vector<Client::Change> list;
        for (const pb::Event& event : response.events()) {
            list.push_back(
                {.key = event.kv().key(), .value = event.kv().value(), .deleted = event.type() == pb::Event::DELETE});
        }
        return list;
    }

  private:
    Operation* tag() { return this; }
};

} // namespace

struct Client::Impl {
    /// A call without a result.
    struct Pending {
        Call call;
        std::unique_ptr<Attempt> attempt;
        std::size_t tries = 0;
    };

    sd_event* loop;
    Done done;
    std::vector<Node> nodes;
    /// Index of the node to which new calls are sent.
    std::size_t preferred = 0;
    std::map<std::uint64_t, Pending> pending;
    /// Watches whose last step is not completed. Only the last one reports changes.
    std::list<WatchStream> watches;

    grpc::CompletionQueue queue;
    /// Mutex that protects `completed`.
    std::mutex mutex;
    /// Operations of which the event loop has not handled a completion yet, and their results. `pending` and `watches`
    /// own them.
    std::vector<std::pair<Operation*, bool>> completed;
    /// eventfd that wakes the event loop after an attempt has been completed.
    UniqueFd event;
    EventSource source;
    std::jthread thread;

    Impl(sd_event* event_loop, std::vector<std::string> addresses, const Credentials& credentials, Done receiver)
        : loop(event_loop), done(std::move(receiver)) {
        for (std::string& address : addresses) {
            nodes.push_back({std::move(address), nullptr});
        }
        use(credentials);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        for (auto& [id, call] : pending) {
            call.attempt->context.TryCancel();
        }
        for (WatchStream& watch : watches) {
            watch.context.TryCancel();
        }
        finish_watches();
        queue.Shutdown();
        // The thread ends after it has received all attempts, which are destroyed afterwards.
        if (thread.joinable()) {
            thread.join();
        }
        // before the queue
        pending.clear();
        watches.clear();
    }

    /// Waits until no step of a cancelled watch is left. gRPC requires that a call is finished before it is destroyed.
    void finish_watches() {
        while (!watches.empty()) {
            pollfd ready{.fd = event.get(), .events = POLLIN, .revents = 0};
            if (poll(&ready, 1, -1) < 0 && errno != EINTR) {
                return;
            }
            for (const auto& [operation, ok] : take_completed()) {
                if (auto* watch = dynamic_cast<WatchStream*>(operation); watch != nullptr && !watch->go_on(ok)) {
                    watches.remove_if([watch](const WatchStream& other) { return &other == watch; });
                }
            }
        }
    }

    void use(const Credentials& credentials) {
        for (Node& node : nodes) {
            node.channel = make_channel(node.address, credentials);
            end_watch(static_cast<std::size_t>(&node - nodes.data()));
        }
    }

    /// Passes completed operations to the event loop.
    void run() {
        void* tag = nullptr;
        bool ok = false;
        while (queue.Next(&tag, &ok)) {
            const std::lock_guard lock(mutex);
            completed.emplace_back(static_cast<Operation*>(tag), ok);
            (void)eventfd_write(event.get(), 1);
        }
    }

    void send(std::uint64_t id, Pending& call) {
        const auto* status = std::get_if<NodeStatus>(&call.call);
        const std::size_t node = status != nullptr ? status->node : preferred;
        ++call.tries;
        call.attempt = std::visit(Send{nodes[node].channel, queue}, call.call);
        // The completion is handled by this thread, therefore not before this function returns.
        call.attempt->id = id;
        call.attempt->node = node;
        Timer& timer = call.attempt->timer.emplace(
            loop, CLOCK_MONOTONIC,
            [attempt = call.attempt.get()] {
                attempt->timed_out = true;
                attempt->context.TryCancel();
            },
            timeout_accuracy);
        if (!timer.arm_at((monotonic_now() + timeout_of(call.call)).time_since_epoch())) {
            call.attempt->timer.reset(); // gRPC cancels the attempt at its own deadline
        }
    }

    std::vector<std::pair<Operation*, bool>> take_completed() {
        eventfd_t count = 0;
        (void)eventfd_read(event.get(), &count);
        const std::lock_guard lock(mutex);
        return std::exchange(completed, {});
    }

    void handle_completed() {
        for (const auto& [operation, ok] : take_completed()) {
            if (const auto* attempt = dynamic_cast<const Attempt*>(operation)) {
                handle(*attempt);
            } else if (auto* watch = dynamic_cast<WatchStream*>(operation)) {
                handle(*watch, ok);
            }
        }
    }

    void handle(WatchStream& watch, bool ok) {
        const bool is_current = &watch == &watches.back() && watch.changed;
        if (ok && watch.step == WatchStream::Step::read && is_current) {
            if (const auto changes = watch.changes(); !changes.empty()) {
                watch.changed(changes);
            }
        }
        if (!watch.go_on(ok)) {
            const Lost lost = is_current ? std::move(watch.lost) : nullptr;
            watches.remove_if([&watch](const WatchStream& other) { return &other == &watch; });
            if (lost) {
                lost();
            }
        }
    }

    void start_watch(const KeyRange& keys, std::int64_t revision, Changed changed, Lost lost) {
        if (!watches.empty()) {
            watches.back().changed = nullptr; // it reports nothing from now on
            watches.back().context.TryCancel();
        }
        WatchStream& watch = watches.emplace_back();
        watch.changed = std::move(changed);
        watch.lost = std::move(lost);
        watch.node = preferred;
        pb::WatchCreateRequest& create = *watch.request.mutable_create_request();
        create.set_key(keys.first);
        create.set_range_end(keys.end);
        create.set_start_revision(revision);
        watch.start(nodes[preferred].channel, queue);
    }

    /// Ends the watch on a node that has failed to answer.
    void end_watch(std::size_t node) {
        if (!watches.empty() && watches.back().node == node) {
            watches.back().context.TryCancel();
        }
    }

    void handle(const Attempt& attempt) {
        const std::uint64_t id = attempt.id;
        const auto found = pending.find(id);
        Pending& call = found->second;
        CallResult result = attempt.status.ok() ? attempt.result()
                            : attempt.timed_out ? CallFailure{CallFailure::Kind::unavailable, "no answer in time"}
                                                : failure_of(attempt.status);
        if (auto* failure = std::get_if<CallFailure>(&result)) {
            failure->what.insert(0, nodes[attempt.node].address + ": ");
            if (failure->kind == CallFailure::Kind::unavailable && !std::holds_alternative<NodeStatus>(call.call)) {
                end_watch(attempt.node);
                if (attempt.node == preferred) {
                    preferred = (preferred + 1) % nodes.size();
                }
                if (call.tries < std::min(nodes.size(), max_tries)) {
                    return send(id, call); // destroys the attempt
                }
            }
        }
        const bool repeated = call.tries > 1;
        pending.erase(found);
        done(id, result, repeated);
    }
};

Client::Client(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::start(sd_event* loop, std::vector<std::string> addresses, const Credentials& credentials,
                             Done done) {
    auto impl = std::make_unique<Impl>(loop, std::move(addresses), credentials, std::move(done));
    impl->event.reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!impl->event) {
        return fail_errno("create an eventfd");
    }
    auto source = watch_descriptor(loop, impl->event.get(), EPOLLIN,
                                   [self = impl.get()](std::uint32_t) { self->handle_completed(); });
    if (!source) {
        return std::unexpected(source.error());
    }
    impl->source = *std::move(source);
    impl->thread = std::jthread([self = impl.get()] { self->run(); });
    return Client(std::move(impl));
}

void Client::call(std::uint64_t id, const Call& call) {
    Impl::Pending& pending = impl_->pending[id];
    pending.call = call;
    impl_->send(id, pending);
}

void Client::watch(const KeyRange& keys, std::int64_t revision, Changed changed, Lost lost) {
    impl_->start_watch(keys, revision, std::move(changed), std::move(lost));
}

void Client::use(const Credentials& credentials) {
    impl_->use(credentials);
}

} // namespace sesslimit::fleet::etcd
