// SPDX-License-Identifier: MIT
// The requests that change the fleet: orders to terminate sessions, and hosts that leave or are lost.
#include "fleet/admin.hpp"

#include "common/user_ref.hpp"

#include <algorithm>

namespace sesslimit::fleet {

using admin::Done;

// --- Orders to terminate sessions -----------------------------------------------------------------------------------

void AdminRequest::begin(BootTime now, const admin::End& request, const HostState&) {
    order_.kind = request.what;
    order_.by = request.by;
    order_.reason = request.reason;
    timeout_ = std::chrono::milliseconds(request.timeout_ms);
    if (request.what == EndOrder::Kind::credential) {
        order_.subject = request.subject;
    } else if (request.uid == std::uint32_t{0}) {
        return finish(Done::Code::not_allowed,
                      "sessions of root are not terminated by the fleet; use 'sesslimitctl end-user' on each host");
    } else {
        const std::string user = identity_of(request.subject, request.uid);
        if (user.empty()) {
            return finish(Done::Code::failed, error_);
        }
        // The hosts distinguish a user ID from a name by its prefix.
        order_.subject = settings_.by_uid ? user_ref_of(*request.uid) : user;
    }
    Transaction count;
    count.success = {Get{.keys = keys_.hosts(), .limit = 0, .count_only = true}};
    plan(now, Step::fleet_size, std::move(count));
}

/// Chooses the time over which the hosts distribute their results. The administrator waits for at least twice as long.
void AdminRequest::on_fleet_size(BootTime now, const TransactionReply& reply) {
    const std::int64_t hosts = reply.counts.empty() ? 0 : reply.counts.front();
    const auto longest = std::chrono::floor<std::chrono::milliseconds>(std::min<Duration>(timeout_ / 2, max_spread));
    order_.spread = std::clamp<std::int64_t>(hosts, 0, longest / spread_per_host) * spread_per_host;
    plan(now, Step::grant, GrantLease{order_ttl});
}

void AdminRequest::on_order(BootTime now, const TransactionReply& reply) {
    watched_from_ = reply.revision + 1;
    for (const KeyValue& found : reply.found) {
        if (const auto host = keys_.parse_host(found.key)) {
            missing_.insert(*host);
        } else if (keys_.parse_order(found.key)) {
            watched_from_ = found.created + 1;
        }
    }
    step_ = Step::collect;
    if (missing_.empty()) {
        return finish(Done::Code::ok);
    }
    collect_until_ = after(now, timeout_);
    effects_.watch(keys_.all_of_hosts(), watched_from_);
}

void AdminRequest::on_change(BootTime, const std::string& key, const std::string& value) {
    if (step_ != Step::collect) {
        return;
    }
    on_ack(key, value);
    if (missing_.empty()) {
        finish(Done::Code::ok);
    }
}

void AdminRequest::on_watch_lost(BootTime now) {
    if (step_ == Step::collect) {
        rewatch_at_ = after(now, retry);
    }
}

/// Handles the answer of a host to the order.
void AdminRequest::on_ack(const std::string& key, const std::string& value) {
    const auto ack = keys_.parse_any_ack(key);
    const auto record = decode_ack(value);
    if (!ack || ack->number != settings_.order || !record || !answered_.insert(ack->host).second) {
        return;
    }
    missing_.erase(ack->host);
    send(admin::EndedRow{.host = ack->host, .answered = true, .count = record->count});
}

/// Reads the answers of the hosts that seem not to have answered. The node that reports the changes may hang.
void AdminRequest::read_acks(BootTime now) {
    checked_.clear();
    Transaction whole;
    for (const std::string& host : missing_) {
        if (checked_.size() == batch) {
            break;
        }
        checked_.push_back(host);
        whole.success.emplace_back(Get{{keys_.ack_of(host, settings_.order), {}}, 0});
    }
    if (checked_.empty()) {
        return finish(Done::Code::ok);
    }
    plan(now, Step::acks, std::move(whole));
}

void AdminRequest::on_acks(BootTime now, const TransactionReply& reply) {
    for (const KeyValue& found : reply.found) {
        on_ack(found.key, found.value);
    }
    for (const std::string& host : checked_) {
        if (missing_.erase(host) > 0) {
            send(admin::EndedRow{.host = host, .answered = false});
        }
    }
    read_acks(now);
}

// --- Hosts that leave or are lost -----------------------------------------------------------------------------------

void AdminRequest::begin(BootTime now, const admin::Drain&, const HostState&) {
    step_ = Step::leave;
    collect_until_ = after(now, patience);
    effects_.leave("the host has left the fleet until sesslimit-fleetd is restarted ('sesslimitctl fleet drain')");
}

void AdminRequest::on_left() {
    if (step_ == Step::leave) {
        finish(Done::Code::ok);
    }
}

void AdminRequest::begin(BootTime now, const admin::Forget& request, const HostState&) {
    if (!is_valid_name(request.host)) {
        return finish(Done::Code::failed, "this is not a valid name of a host");
    }
    if (request.host == settings_.host) {
        return finish(Done::Code::failed, "the slots of this host itself are in use; to leave the fleet, run "
                                          "'sesslimitctl fleet drain'");
    }
    host_ = request.host;
    range_ = keys_.all_slots();
    read_page(now, Step::all_slots, page);
}

void AdminRequest::on_all_slots(BootTime now, const TransactionReply& reply) {
    slots_.clear();
    for (const KeyValue& found : reply.found) {
        const auto key = keys_.parse_slot(found.key);
        const auto record = decode_slot(found.value);
        if (key && record && record->host == host_) {
            slots_.push_back({*key, *record, found.modified});
        }
    }
    note_page(reply, page);
    free_next(now);
}

/// Deletes the next slot of the host, unless it has been changed.
void AdminRequest::free_next(BootTime now) {
    if (slots_.empty() && is_last_) {
        return finish(Done::Code::ok);
    }
    if (slots_.empty()) {
        return read_page(now, Step::all_slots, page);
    }
    const Slot& slot = slots_.back();
    const std::string key = keys_.slot(slot.key.user, slot.key.slot);
    Transaction whole;
    whole.conditions = {{.keys = {key, {}},
                         .target = Compare::Target::modified,
                         .relation = Compare::Relation::equal,
                         .number = slot.modified}};
    whole.success = {Delete{{key, {}}}};
    plan(now, Step::free_slot, std::move(whole));
}

void AdminRequest::on_freed(BootTime now, const TransactionReply& reply) {
    const Slot slot = slots_.back();
    slots_.pop_back();
    if (!reply.succeeded.empty() && reply.succeeded.front()) {
        SessionRecord record;
        record.slot = slot.key.slot;
        record.since = slot.record.since;
        send_session({slot.record.host, slot.record.session}, slot.key.user, record);
    }
    free_next(now);
}

} // namespace sesslimit::fleet
