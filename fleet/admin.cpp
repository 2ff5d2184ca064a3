// SPDX-License-Identifier: MIT
#include "fleet/admin.hpp"

#include "common/user_ref.hpp"

#include <algorithm>
#include <limits>

namespace sesslimit::fleet {
namespace {

using admin::Done;

/// Returns the part of a text that fits into a frame. A text with NUL cannot be sent.
std::string_view bounded(std::string_view text, std::size_t bound = admin::max_text) {
    return text.substr(0, std::min({text.size(), bound, text.find('\0')}));
}

bool is_permission_denied(const CallFailure& failure) {
    return failure.what.find("permission denied") != std::string::npos;
}

} // namespace

AdminRequest::AdminRequest(Settings settings, AdminEffects& effects)
    : settings_(std::move(settings)), keys_(settings_.fleet, settings_.host), effects_(effects) {}

void AdminRequest::start(BootTime now, const admin::Request& request, const HostState& state) {
    std::visit([&](const auto& message) { begin(now, message, state); }, request);
    pump(now);
}

// --- Calls and frames -----------------------------------------------------------------------------------------------

void AdminRequest::plan(BootTime now, Step step, Call call) {
    step_ = step;
    next_ = std::move(call);
    due_at_ = now;
    give_up_at_ = after(now, patience);
}

void AdminRequest::pump(BootTime now) {
    if (!next_ || calling_ != 0 || unsent_ || due_at_ > now) {
        return;
    }
    repeat_ = std::exchange(next_, std::nullopt);
    due_at_ = never;
    calling_ = ++last_call_;
    effects_.call(calling_, *repeat_);
}

void AdminRequest::send(const admin::Row& row) {
    unsent_ = true;
    effects_.send(row);
}

void AdminRequest::finish(Done::Code code, std::string_view text) {
    step_ = Step::done;
    next_.reset();
    collect_until_ = rewatch_at_ = never;
    send(Done{.code = code, .text = bounded(text)});
}

void AdminRequest::on_sent(BootTime now) {
    unsent_ = false;
    // The time in which the administrator has not read does not count.
    give_up_at_ = after(now, patience);
    pump(now);
}

void AdminRequest::on_reply(BootTime now, std::uint64_t id, const CallResult& result) {
    if (const auto asked = asked_.find(id); asked != asked_.end()) {
        const Asked call = asked->second;
        asked_.erase(asked);
        on_node(now, call, result);
        return send_nodes();
    }
    if (id == alarms_call_) {
        alarms_call_ = 0;
        on_alarms(result);
        return send_nodes();
    }
    if (id != calling_) {
        return;
    }
    calling_ = 0;
    if (step_ == Step::revoke) {
        finish(error_code_, error_);
    } else if (const auto* failure = std::get_if<CallFailure>(&result)) {
        on_failure(now, *failure);
    } else if (const auto* reply = std::get_if<TransactionReply>(&result)) {
        on_transaction(now, *reply);
    } else if (const auto* lease = std::get_if<LeaseReply>(&result); lease != nullptr && step_ == Step::grant) {
        lease_ = lease->lease;
        Transaction whole;
        whole.conditions = {{.keys = {keys_.order(settings_.order), {}},
                             .target = Compare::Target::created,
                             .relation = Compare::Relation::equal}};
        whole.success = {Put{keys_.order(settings_.order), encode(order_), lease_}, Get{keys_.hosts(), 0}};
        // The order exists if the reply to an earlier attempt was lost.
        whole.failure = {Get{{keys_.order(settings_.order), {}}, 0}, Get{keys_.hosts(), 0}};
        plan(now, Step::order, std::move(whole));
    }
    pump(now);
}

void AdminRequest::on_failure(BootTime now, const CallFailure& failure) {
    const bool denied = failure.kind == CallFailure::Kind::rejected && is_permission_denied(failure);
    if (denied && step_ == Step::details) {
        has_details_ = false;
        return on_details(now, {});
    }
    if (denied && step_ == Step::fleet_size) {
        return on_fleet_size(now, {}); // the order itself probably fails, too
    }
    if (step_ == Step::acks && !denied) {
        return on_acks(now, {}); // these hosts have not answered, as far as this host knows
    }
    if (failure.kind == CallFailure::Kind::unavailable && now < give_up_at_) {
        next_ = repeat_;
        due_at_ = after(now, retry);
        return;
    }
    error_ = failure.kind == CallFailure::Kind::unavailable ? "etcd does not answer: " + failure.what : failure.what;
    if (denied) {
        error_code_ = Done::Code::not_allowed;
        error_ = step_ == Step::order ? "this host may not terminate sessions on other hosts"
                                      : "this host may not read the records of other hosts";
        error_ += "; to permit it, run the commands that 'sesslimit-fleet enroll --admin " + settings_.host +
                  "' prints about the permissions";
    }
    if (step_ == Step::order) {
        // Otherwise the lease would exist for an hour without a key. If etcd executes the call later, it fails.
        return plan(now, Step::revoke, RevokeLease{lease_});
    }
    finish(error_code_, error_);
}

void AdminRequest::on_transaction(BootTime now, const TransactionReply& reply) {
    switch (step_) {
    case Step::sessions:
        return on_sessions(now, reply);
    case Step::slots:
        return on_slots(now, reply);
    case Step::details:
        return on_details(now, reply);
    case Step::hosts:
        return on_hosts(now, reply);
    case Step::counts:
        return on_counts(now, reply);
    case Step::fleet_size:
        return on_fleet_size(now, reply);
    case Step::order:
        return on_order(now, reply);
    case Step::acks:
        return on_acks(now, reply);
    case Step::all_slots:
        return on_all_slots(now, reply);
    case Step::free_slot:
        return on_freed(now, reply);
    case Step::nodes:
    case Step::grant:
    case Step::collect:
    case Step::revoke:
    case Step::leave:
    case Step::done:
        return;
    }
}

void AdminRequest::on_time(BootTime now) {
    if (rewatch_at_ <= now) {
        rewatch_at_ = never;
        effects_.watch(keys_.all_of_hosts(), watched_from_);
    }
    if (collect_until_ <= now && step_ == Step::leave) {
        finish(Done::Code::ok, "etcd has not confirmed it; the records of this host are deleted at the latest " +
                                   std::to_string(settings_.host_ttl.count()) + " s after the last sign of life");
    } else if (collect_until_ <= now) {
        collect_until_ = rewatch_at_ = never;
        read_acks(now);
    }
    pump(now);
}

BootTime AdminRequest::deadline() const {
    const bool may_call = next_ && calling_ == 0 && !unsent_;
    return std::min({may_call ? due_at_ : never, collect_until_, rewatch_at_});
}

// --- Pages ----------------------------------------------------------------------------------------------------------

void AdminRequest::read_page(BootTime now, Step step, std::size_t limit) {
    plan(now, step, read_of(range_, static_cast<std::int64_t>(limit)));
}

/// Notes where the next page starts, if the reply does not contain the last one.
void AdminRequest::note_page(const TransactionReply& reply, std::size_t limit) {
    is_last_ = reply.found.size() < limit;
    if (!is_last_) {
        range_.first = reply.found.back().key + '\0';
    }
}

/// Returns the text by which the records of the fleet name a user. Returns an empty text and sets `error_` if the user
/// cannot be identified in this way.
std::string AdminRequest::identity_of(std::string_view user, const std::optional<std::uint32_t>& uid) {
    if (settings_.by_uid && !uid) {
        error_ =
            "the fleet identifies users by their IDs, and the ID of this user is not known on this host; write uid: "
            "followed by the ID";
        return {};
    }
    if (!settings_.by_uid && user.empty()) {
        error_ =
            "the fleet identifies users by their names, and the name of this user is not known on this host; write "
            "the name";
        return {};
    }
    return settings_.by_uid ? std::to_string(*uid) : std::string(user);
}

// --- Sessions -------------------------------------------------------------------------------------------------------

void AdminRequest::begin(BootTime now, const admin::List& request, const HostState&) {
    if (request.user.empty() && !request.uid) {
        range_ = keys_.all_of_hosts();
        return read_page(now, Step::sessions, page);
    }
    const std::string user = identity_of(request.user, request.uid);
    if (user.empty()) {
        return finish(Done::Code::failed, error_);
    }
    range_ = keys_.slots(user);
    read_page(now, Step::slots, batch);
}

void AdminRequest::send_session(const HostKey& session, std::string_view user, const SessionRecord& record) {
    admin::SessionRow row{
        .host = session.host,
        .session = session.number,
        .slot = record.slot,
        .since = static_cast<std::uint64_t>(std::clamp<std::int64_t>(record.since, 0, std::int64_t{1} << 62)),
        .service = record.service,
        .tty = record.tty,
        .origin = record.origin,
        .rule = record.rule};
    if (settings_.by_uid) {
        const auto ref = parse_user_ref("uid:" + std::string(user));
        row.uid = ref ? ref->uid : std::nullopt;
    }
    row.user = row.uid ? std::string_view() : user;
    send(row);
}

void AdminRequest::on_sessions(BootTime now, const TransactionReply& reply) {
    for (const KeyValue& found : reply.found) {
        const auto session = keys_.parse_any_session(found.key);
        const auto record = decode_session(found.value);
        if (session && record) {
            send_session(*session, record->user, *record);
        }
    }
    note_page(reply, page);
    if (is_last_) {
        return finish(Done::Code::ok);
    }
    read_page(now, Step::sessions, page);
}

void AdminRequest::on_slots(BootTime now, const TransactionReply& reply) {
    slots_.clear();
    Transaction details;
    for (const KeyValue& found : reply.found) {
        const auto key = keys_.parse_slot(found.key);
        const auto record = decode_slot(found.value);
        if (key && record) {
            slots_.push_back({*key, *record, found.modified});
            details.success.emplace_back(Get{{keys_.session_of(record->host, record->session), {}}, 0});
        }
    }
    note_page(reply, batch);
    if (slots_.empty() || !has_details_) {
        return on_details(now, {});
    }
    plan(now, Step::details, std::move(details));
}

void AdminRequest::on_details(BootTime now, const TransactionReply& reply) {
    std::map<std::string, SessionRecord> records;
    for (const KeyValue& found : reply.found) {
        if (auto record = decode_session(found.value)) {
            records.emplace(found.key, *std::move(record));
        }
    }
    for (const Slot& slot : slots_) {
        const auto known = records.find(keys_.session_of(slot.record.host, slot.record.session));
        SessionRecord record = known == records.end() ? SessionRecord() : known->second;
        record.slot = slot.key.slot;
        record.since = slot.record.since;
        send_session({slot.record.host, slot.record.session}, slot.key.user, record);
    }
    if (!is_last_) {
        return read_page(now, Step::slots, batch);
    }
    finish(Done::Code::ok, has_details_ ? std::string_view()
                                        : "the service, terminal and origin are only shown on a host that was admitted "
                                          "with 'sesslimit-fleet enroll --admin'");
}

// --- Hosts ----------------------------------------------------------------------------------------------------------

void AdminRequest::begin(BootTime now, const admin::Hosts&, const HostState&) {
    range_ = keys_.hosts();
    read_page(now, Step::hosts, batch);
}

void AdminRequest::on_hosts(BootTime now, const TransactionReply& reply) {
    hosts_.clear();
    Transaction counts;
    for (const KeyValue& found : reply.found) {
        auto name = keys_.parse_host(found.key);
        auto record = decode_host(found.value);
        if (name && record) {
            counts.success.emplace_back(Get{.keys = keys_.sessions_of(*name), .limit = 0, .count_only = true});
            hosts_.emplace_back(*std::move(name), *std::move(record));
        }
    }
    note_page(reply, batch);
    if (hosts_.empty()) {
        return on_counts(now, {});
    }
    plan(now, Step::counts, std::move(counts));
}

void AdminRequest::on_counts(BootTime now, const TransactionReply& reply) {
    for (std::size_t at = 0; at < hosts_.size(); ++at) {
        const auto& [name, record] = hosts_[at];
        admin::HostRow row{
            .name = name, .is_this = name == settings_.host, .version = record.version, .policy = record.policy};
        if (at < reply.counts.size()) {
            row.sessions = static_cast<std::uint32_t>(
                std::clamp<std::int64_t>(reply.counts[at], 0, std::numeric_limits<std::uint32_t>::max()));
        }
        send(row);
    }
    if (is_last_) {
        return finish(Done::Code::ok);
    }
    read_page(now, Step::hosts, batch);
}

// --- State of the nodes ---------------------------------------------------------------------------------------------

void AdminRequest::begin(BootTime now, const admin::Status&, const HostState& state) {
    step_ = Step::nodes;
    send(admin::StateRow{.fleet = settings_.fleet,
                         .host = settings_.host,
                         .version = settings_.version,
                         .up = state.up,
                         .reason = bounded(state.reason),
                         .by_uid = settings_.by_uid,
                         .lease = static_cast<std::uint64_t>(state.lease),
                         .ttl = static_cast<std::uint32_t>(settings_.host_ttl.count()),
                         .sessions = state.sessions});
    nodes_.resize(settings_.endpoints.size());
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
        asked_[++last_call_] = {.node = node, .since = now};
    }
    alarms_call_ = ++last_call_;
    for (const auto& [id, asked] : asked_) {
        effects_.call(id, NodeStatus{asked.node});
    }
    effects_.call(alarms_call_, ListAlarms{});
}

void AdminRequest::on_node(BootTime now, const Asked& asked, const CallResult& result) {
    NodeResult& node = nodes_[asked.node];
    if (const auto* reply = std::get_if<NodeReply>(&result)) {
        node.latency = now - asked.since;
        node.reply = *reply;
        if (!asked.is_connected) { // the time to connect is not part of the latency
            asked_[++last_call_] = {.node = asked.node, .since = now, .is_connected = true};
            effects_.call(last_call_, NodeStatus{asked.node});
        }
    } else if (const auto* failure = std::get_if<CallFailure>(&result)) {
        node.problem = failure->what;
    }
}

void AdminRequest::on_alarms(const CallResult& result) {
    if (const auto* reply = std::get_if<AlarmsReply>(&result)) {
        alarms_ = reply->alarms;
    } else if (const auto* failure = std::get_if<CallFailure>(&result)) {
        alarms_problem_ = failure->what;
    }
}

/// Sends the states of the nodes after all of them are known.
void AdminRequest::send_nodes() {
    if (!asked_.empty() || alarms_call_ != 0 || is_done()) {
        return;
    }
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
        const NodeResult& node = nodes_[at];
        admin::NodeRow row{.endpoint = bounded(settings_.endpoints[at], admin::max_endpoint),
                           .problem = bounded(node.problem)};
        if (node.reply) {
            const NodeReply& reply = *node.reply;
            row.reachable = true;
            row.problem = bounded(reply.problem);
            row.version = bounded(reply.version, max_id);
            row.leader = reply.leader == reply.member && reply.member != 0;
            row.member = reply.member;
            row.size = reply.size;
            row.in_use = reply.in_use;
            row.quota = reply.quota == 0 ? std::nullopt : std::optional(reply.quota);
            row.revision = reply.revision;
            row.raft_index = reply.raft_index;
            row.raft_applied = reply.raft_applied;
            row.latency_us = static_cast<std::uint32_t>(node.latency.count());
        }
        send(row);
    }
    for (const Alarm& alarm : alarms_) {
        send(admin::AlarmRow{.type = alarm.type == Alarm::Type::no_space  ? admin::AlarmRow::Type::no_space
                                     : alarm.type == Alarm::Type::corrupt ? admin::AlarmRow::Type::corrupt
                                                                          : admin::AlarmRow::Type::other,
                             .member = alarm.member});
    }
    finish(Done::Code::ok, alarms_problem_.empty() ? std::string() : "the alarms are not known: " + alarms_problem_);
}

} // namespace sesslimit::fleet
