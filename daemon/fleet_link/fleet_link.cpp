// SPDX-License-Identifier: MIT
#include "daemon/fleet_link/fleet_link.hpp"

#include "common/text.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>
#include <utility>

namespace sesslimit {
namespace {

namespace frames = fleet::wire;
using core::FleetClaim;
using core::FleetState;
using core::Session;

/// Maximum numbers of frames that are received, and of sessions that are listed, before the event loop handles other
/// events.
constexpr int receive_batch_size = 64;
constexpr int list_batch_size = 256;

/// Returns the time of a session's start in seconds since the Epoch.
std::uint64_t since_of(const Session& session) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(session.opened.time_since_epoch() + wall_offset());
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, seconds.count()));
}

/// Fills a frame about a session. Lifetime: the texts of the frame are views into `session` and `rule`.
void fill(frames::SessionFrame& frame, const Session& session, std::string_view rule) {
    frame.session = std::to_underlying(session.key);
    frame.user = session.login.user;
    frame.uid = session.login.uid;
    frame.limit = session.fleet_limit;
    frame.since = since_of(session);
    frame.service = session.login.service;
    frame.tty = session.login.tty;
    frame.origin = session.login.rhost;
    frame.rule = rule.substr(0, fleet::max_rule);
}

frames::ClaimFrame claim_of(const Session& session, std::string_view rule, bool enforced) {
    frames::ClaimFrame frame;
    fill(frame, session, rule);
    frame.enforced = enforced;
    return frame;
}

frames::ListedFrame listed_of(const Session& session, std::string_view rule) {
    frames::ListedFrame frame;
    fill(frame, session, rule);
    return frame;
}

/// Returns the start of a session on another host, or 0 if it is more than a minute in the future. The wall clocks of
/// the hosts then differ, and the time would confuse the user.
std::uint64_t plausible(std::uint64_t since) {
    const auto latest = wall_now().time_since_epoch() + std::chrono::minutes(1);
    return std::cmp_greater(since, std::chrono::floor<std::chrono::seconds>(latest).count()) ? 0 : since;
}

core::ClaimAnswered event_of(const frames::AnswerFrame& frame) {
    using Outcome = core::ClaimAnswered::Outcome;
    core::ClaimAnswered event{.session = SessionKey{frame.session}};
    event.outcome = frame.outcome == frames::Outcome::granted ? Outcome::granted
                    : frame.outcome == frames::Outcome::full  ? Outcome::full
                                                              : Outcome::unknown;
    event.holders.count = frame.count;
    for (const frames::HolderView& holder : std::span(frame.holders).first(frame.holder_count)) {
        event.holders.named.push_back({std::string(holder.host), plausible(holder.since)});
    }
    return event;
}

core::FleetTerminationRequested event_of(const frames::EndFrame& frame) {
    return {.order = frame.order,
            .is_credential = frame.what == fleet::EndOrder::Kind::credential,
            .subject = std::string(frame.subject),
            .by = std::string(frame.by),
            .message = std::string(frame.reason)};
}

/// Connects to a socket without waiting. Returns an empty descriptor on failure, with the reason in errno.
UniqueFd connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return {};
    }
    path.copy(address.sun_path, path.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        fd.reset();
    }
    return fd;
}

} // namespace

FleetLink::FleetLink(Dependencies dependencies)
    : dependencies_(std::move(dependencies)), retry_timer_(dependencies_.loop, CLOCK_MONOTONIC, [this] { connect(); }),
      state_timer_(dependencies_.loop, CLOCK_MONOTONIC, [this] { set_state(FleetState::down); }) {}

// --- Connection ----------------------------------------------------------------------------------------------------

bool FleetLink::is_needed() const {
    return is_limited_ || owes_list_ || dependencies_.state().claims() > 0;
}

void FleetLink::follow(bool is_limited, const std::string& digest) {
    is_limited_ = is_limited;
    digest_ = digest;
    if (socket_ && is_limited_ && digest_ != sent_digest_) {
        close(); // a new connection reports the new digest
        if (state_timer_.arm_in(connect_timeout)) {
            set_state(FleetState::connecting);
        }
        connect();
    }
    update();
}

void FleetLink::update() {
    if (is_needed() && is_idle()) {
        set_state(FleetState::connecting);
        if (!state_timer_.arm_in(connect_timeout)) {
            set_state(FleetState::down);
        }
        connect();
    }
    finish_if_not_needed();
}

/// Closes the connection after the last claim was released, if the policy does not limit sessions in the fleet.
void FleetLink::finish_if_not_needed() {
    if (is_limited_ || dependencies_.state().claims() > 0 || !socket_ || is_listing_ || !queue_.empty()) {
        return;
    }
    owes_list_ = false;
    close();
    state_timer_.disarm();
    set_state(FleetState::down);
}

void FleetLink::connect() {
    if (!is_needed()) {
        state_timer_.disarm();
        return set_state(FleetState::down);
    }
    socket_ = connect_to(dependencies_.socket);
    if (!socket_) {
        const int code = errno;
        if (code == ENOENT && !is_limited_ && dependencies_.state().claims() == 0) {
            owes_list_ = false; // the package was removed, and its records expire
            state_timer_.disarm();
            return set_state(FleetState::down);
        }
        warn_of_failure("Failed to connect to sesslimit-fleetd, retrying. Sessions on other hosts are not counted: " +
                        dependencies_.socket + ": " + std::strerror(code));
        return retry();
    }
    auto source =
        watch_descriptor(dependencies_.loop, socket_.get(), EPOLLIN, [this](std::uint32_t events) { serve(events); });
    if (!source) {
        socket_.reset();
        return retry();
    }
    source_ = *std::move(source);
    ++connection_;
    owes_list_ = true;
    has_state_ = false;
    is_listing_ = true;
    listed_ = SessionKey::none;
    sent_digest_ = digest_;
    frames::Hello hello;
    hello.policy = std::string_view(sent_digest_).substr(0, fleet::max_id);
    if (send(hello)) {
        write();
    }
}

void FleetLink::retry() {
    if (!retry_timer_.arm_in(pause_)) {
        state_timer_.disarm(); // the next change of the policy tries again
        set_state(FleetState::down);
    }
    pause_ = std::min(pause_ * 2, longest_pause);
}

void FleetLink::close() {
    source_.reset();
    socket_.reset();
    queue_.clear();
    unanswered_.clear();
    is_listing_ = false;
}

/// Closes the connection and connects again later. Until then, the fleet is in the state `connecting` for a short time
/// if sesslimit-fleetd had reported a state, because it may only be restarted.
void FleetLink::lose(const std::string& why) {
    close();
    warn_of_failure("Lost the connection to sesslimit-fleetd, connecting again: " + why);
    if (std::exchange(has_state_, false) && state_ != FleetState::connecting && state_timer_.arm_in(connect_timeout)) {
        set_state(FleetState::connecting);
    }
    retry();
}

/// Logs a failure, unless it has been logged, or too many failures have been.
void FleetLink::warn_of_failure(const std::string& text) {
    if (!failure_logged_ && budget_.take(monotonic_now())) {
        failure_logged_ = true;
        dependencies_.warn(text);
    }
}

void FleetLink::set_state(FleetState state) {
    if (state != state_) {
        state_ = state;
        dependencies_.events.handle(core::FleetStateChanged{state});
    }
}

// --- Requests of the core ------------------------------------------------------------------------------------------

/// Returns true if the list of sessions, which is being sent, has not reached the session.
bool FleetLink::is_listed_later(SessionKey key) const {
    return !socket_ || (is_listing_ && key > listed_);
}

void FleetLink::claim(const Session& session, bool enforced) {
    if (is_listed_later(session.key)) {
        return;
    }
    const std::string rule = dependencies_.rule_of(session);
    if (!send_for(session.key, claim_of(session, rule, enforced))) {
        return;
    }
    if (enforced && socket_) {
        unanswered_[session.key] = monotonic_now();
    }
}

void FleetLink::list(const Session& session) {
    expect_answered(session.key);
    if (!is_listed_later(session.key)) {
        const std::string rule = dependencies_.rule_of(session);
        send_for(session.key, listed_of(session, rule));
    }
}

void FleetLink::release(SessionKey key) {
    expect_answered(key);
    if (!is_listed_later(key)) {
        frames::ReleaseFrame frame;
        frame.session = std::to_underlying(key);
        send(frame);
    }
    finish_if_not_needed();
}

void FleetLink::report(const core::ReportFleetTermination& what) {
    const auto order = orders_.find(what.order);
    if (order != orders_.end()) {
        order->second = what.count;
    }
    if (socket_) {
        frames::EndedFrame frame;
        frame.order = what.order;
        frame.count = what.count;
        send(frame);
    }
}

/// Closes the connection if the claim of the session has not been answered in time, because sesslimit-fleetd answers
/// each claim, even if the store does not.
void FleetLink::expect_answered(SessionKey key) {
    const auto claim = unanswered_.find(key);
    if (claim == unanswered_.end()) {
        return;
    }
    const bool is_late = monotonic_now() - claim->second >= answer_timeout;
    unanswered_.erase(claim);
    if (is_late) {
        has_state_ = false; // the next state is the one that it reports
        lose("it has not answered a claim");
        state_timer_.disarm();
        set_state(FleetState::down);
    }
}

// --- Frames --------------------------------------------------------------------------------------------------------

/// Sends a frame about a session. Returns false if the session does not fit into a frame. A claim is then answered.
template <class Message>
bool FleetLink::send_for(SessionKey key, const Message& message) {
    if (send(message) || !socket_) {
        return true;
    }
    if constexpr (std::is_same_v<Message, frames::ClaimFrame>) {
        dependencies_.events.handle(core::ClaimAnswered{.session = key});
    }
    return false;
}

/// Sends a frame, or queues it if sesslimit-fleetd has not read the earlier ones. Returns false if it cannot be
/// encoded, or if the connection was closed.
template <class Message>
bool FleetLink::send(const Message& message) {
    std::array<std::byte, frames::max_frame> bytes{};
    const auto size = frames::encode(message, bytes);
    if (!size) {
        return false;
    }
    const auto frame = std::span(bytes).first(*size);
    switch (queue_.send(socket_.get(), frame)) {
    case FrameQueue::Result::sent:
        return true;
    case FrameQueue::Result::queued:
        watch_writability();
        return true;
    case FrameQueue::Result::full:
        lose("it does not read");
        return false;
    case FrameQueue::Result::lost:
        break;
    }
    lose(std::strerror(errno));
    return false;
}

void FleetLink::watch_writability() {
    const bool is_pending = is_listing_ || !queue_.empty();
    (void)sd_event_source_set_io_events(source_.get(), is_pending ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void FleetLink::serve(std::uint32_t events) {
    const std::uint64_t connection = connection_;
    if ((events & EPOLLOUT) != 0) {
        write();
    }
    if (socket_ && connection == connection_ && (events & ~std::uint32_t{EPOLLOUT}) != 0) {
        receive();
    }
}

/// Sends the queued frames and then the next part of the list.
void FleetLink::write() {
    if (queue_.flush(socket_.get()) == FrameQueue::Result::lost) {
        return lose(std::strerror(errno));
    }
    for (int listed = 0; is_listing_ && queue_.empty() && listed < list_batch_size; ++listed) {
        if (!list_next()) {
            return; // the connection is closed
        }
    }
    watch_writability();
    finish_if_not_needed();
}

/// Sends the next session of the list, or its end. Returns false if the connection was closed.
bool FleetLink::list_next() {
    const core::State::Sessions& sessions = dependencies_.state().sessions();
    auto next = sessions.upper_bound(listed_);
    while (next != sessions.end() && next->second.fleet_claim == FleetClaim::none) {
        ++next;
    }
    if (next == sessions.end()) {
        is_listing_ = false;
        send(frames::ListEnd{});
        return static_cast<bool>(socket_);
    }
    const Session& session = next->second;
    const std::string rule = dependencies_.rule_of(session);
    listed_ = session.key;
    if (session.fleet_claim == FleetClaim::asked) {
        if (send_for(session.key, claim_of(session, rule, true)) && socket_) {
            unanswered_[listed_] = monotonic_now();
        }
    } else {
        send_for(session.key, listed_of(session, rule));
    }
    return static_cast<bool>(socket_);
}

void FleetLink::receive() {
    const std::uint64_t connection = connection_;
    for (int received = 0; received < receive_batch_size; ++received) {
        const ssize_t size = ::recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (size <= 0) {
            return lose(size == 0 ? "it has closed the connection" : std::strerror(errno));
        }
        const bool is_valid = handle(std::span(buffer_).first(static_cast<std::size_t>(size)));
        if (!socket_ || connection != connection_) {
            return; // the event has closed the connection
        }
        if (!is_valid) {
            return lose("it has sent an invalid frame");
        }
    }
}

void FleetLink::on_frame(const frames::AnswerFrame& answer) {
    unanswered_.erase(SessionKey{answer.session});
    dependencies_.events.handle(event_of(answer));
}

void FleetLink::on_frame(const frames::StateFrame& state) {
    has_state_ = true;
    pause_ = first_pause;
    state_timer_.disarm();
    const std::string reason = escape_for_display(state.reason, frames::max_reason);
    if (state.up && std::exchange(failure_logged_, false)) {
        dependencies_.info("The fleet answers again.");
    } else if (!state.up) {
        warn_of_failure("The fleet does not answer, so sessions on other hosts are not counted" +
                        (reason.empty() ? "." : ": " + reason));
    }
    set_state(state.up ? FleetState::up : FleetState::down);
}

void FleetLink::on_frame(const frames::OverLimitFrame& over) {
    dependencies_.events.handle(core::FleetLimitExceeded{SessionKey{over.session}});
}

void FleetLink::on_frame(const frames::RepairingFrame& repairing) {
    if (budget_.take(monotonic_now())) {
        dependencies_.repaired("Records of " + std::to_string(repairing.count) +
                               " sessions of this host were missing in the fleet, and are written again.");
    }
}

void FleetLink::on_frame(const frames::EndFrame& end) {
    const auto [order, is_new] = orders_.emplace(end.order, 0);
    if (!is_new) {
        return report({.order = end.order, .count = order->second});
    }
    newest_orders_.push_back(end.order);
    if (newest_orders_.size() > max_orders) {
        orders_.erase(newest_orders_.front());
        newest_orders_.pop_front();
    }
    dependencies_.events.handle(event_of(end));
}

/// Handles a frame. Returns false if it is invalid.
bool FleetLink::handle(std::span<const std::byte> bytes) {
    const auto frame = frames::decode_fleetd_frame(bytes);
    if (frame) {
        std::visit([this](const auto& message) { on_frame(message); }, *frame);
    }
    return frame.has_value();
}

} // namespace sesslimit
