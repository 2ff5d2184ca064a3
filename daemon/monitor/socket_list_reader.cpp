// SPDX-License-Identifier: MIT
#include "daemon/monitor/socket_list_reader.hpp"

#include <algorithm>
#include <utility>

namespace sesslimit::monitor {
namespace {

using Coverage = GroupSockets::Coverage;
using Status = inspect::SocketListPart::Status;

/// Maximum number of messages from an earlier list that are discarded for a list. They belong to a list that was too
/// long, or that an earlier daemon process did not finish. It is about the number of parts of a list of 20,000 sockets.
/// The rest is discarded for the next list, so that the CPU time per list is bounded.
constexpr int max_discarded = 512;

/// Greatest delay of a turn, so that sd-event does not add its default of 250 ms.
constexpr Duration turn_accuracy{1};

} // namespace

SocketListReader::SocketListReader(sd_event* loop, inspect::SockDiag& socket, std::size_t max_sockets)
    : socket_(socket), max_sockets_(max_sockets),
      next_turn_(loop, CLOCK_MONOTONIC, [this] { turn(); }, turn_accuracy) {}

SocketListReader::~SocketListReader() {
    socket_.set_list_reader({});
}

Result<> SocketListReader::request(ino_t cgroup, Receiver receiver) {
    if (!next_turn_.is_armed()) {
        if (auto armed = next_turn_.arm_in({}); !armed) {
            return armed;
        }
    }
    waiting_.push_back({cgroup, std::move(receiver)});
    return {};
}

void SocketListReader::turn() {
    // If the timer cannot be armed, the next step follows at once, so that each receiver is called.
    do {
        make_step();
    } while ((step_ != Step::begin || !waiting_.empty()) && !next_turn_.arm_in({}));
}

void SocketListReader::make_step() {
    switch (step_) {
    case Step::begin:
        return begin();
    case Step::discard:
        return discard();
    case Step::read:
        return read();
    case Step::deliver:
        return deliver();
    }
}

void SocketListReader::begin() {
    current_ = std::exchange(waiting_, {});
    answered_ = 0;
    count_ = 0;
    discarded_ = 0;
    found_.clear();
    for (const Request& request : current_) {
        found_.try_emplace(request.cgroup);
    }
    step_ = Step::discard;
    discard();
}

void SocketListReader::discard() {
    int now = 0;
    while (socket_.discard()) {
        ++discarded_;
        if (discarded_ == max_discarded) {
            return finish(Coverage::incomplete);
        }
        if (++now == parts_per_turn) {
            return;
        }
    }
    began_ = monotonic_now();
    const auto sequence = socket_.send(inspect::socket_list_request());
    if (!sequence) {
        return finish(socket_.is_open() ? Coverage::incomplete : Coverage::unavailable);
    }
    created_ = monotonic_now();
    sequence_ = *sequence;
    step_ = Step::read;
    socket_.set_list_reader([this](inspect::Bytes part) { add(part); });
}

void SocketListReader::read() {
    inspect::PartBuffer buffer; // NOLINT: only bytes that were written are read
    for (int parts = 0; parts < parts_per_turn && step_ == Step::read; ++parts) {
        const auto part = socket_.next(buffer);
        if (!part) {
            return finish(Coverage::incomplete);
        }
        add(*part);
    }
}

void SocketListReader::add(inspect::Bytes part) {
    if (step_ != Step::read) {
        return; // a part of a list that is too long
    }
    const inspect::SocketListPart list = inspect::parse_socket_list_part(part, sequence_);
    store(list);
    created_ = monotonic_now();
    count_ += list.count;
    switch (list.status) {
    case Status::continues:
        if (count_ > max_sockets_) {
            finish(Coverage::incomplete);
        }
        break;
    case Status::ends:
        finish(Coverage::complete);
        break;
    case Status::fails:
        finish(Coverage::incomplete);
        break;
    case Status::unavailable:
        finish(Coverage::unavailable);
        break;
    }
}

void SocketListReader::store(const inspect::SocketListPart& part) {
    const auto shift = created_ - began_;
    for (const inspect::ListedSocket& socket : part.sockets) {
        if (const auto group = found_.find(socket.cgroup); group != found_.end()) {
            inspect::Traffic& traffic = group->second.emplace_back(socket.traffic);
            traffic.since_in -= shift;
            traffic.since_out -= shift;
        }
    }
}

void SocketListReader::finish(Coverage coverage) {
    coverage_ = coverage;
    step_ = Step::deliver;
}

void SocketListReader::deliver() {
    socket_.set_list_reader({});
    const std::size_t end = std::min(answered_ + receivers_per_turn, current_.size());
    while (answered_ < end) {
        answer(current_[answered_++]);
    }
    if (answered_ == current_.size()) {
        current_.clear();
        found_.clear();
        step_ = Step::begin;
    }
}

void SocketListReader::answer(const Request& request) {
    GroupSockets result{.coverage = coverage_, .sockets = {}};
    if (coverage_ != Coverage::unavailable) {
        result.sockets = found_[request.cgroup];
    }
    const auto shift = monotonic_now() - began_;
    for (inspect::Traffic& traffic : result.sockets) {
        traffic.since_in += shift;
        traffic.since_out += shift;
    }
    request.receiver(result);
}

} // namespace sesslimit::monitor
