// SPDX-License-Identifier: MIT
#include "tests/fleet/bench/administrator.hpp"

namespace sesslimit::fleet::bench {

Administrator::Administrator(sd_event* loop, const Options& options, std::uint64_t order, Duration timeout)
    : request_({.fleet = options.fleet,
                .host = "administrator",
                .version = "bench",
                .endpoints = options.endpoints,
                .order = order},
               *this),
      timer_(
          loop, CLOCK_BOOTTIME,
          [this] {
              request_.on_time(boottime_now());
              go_on();
          },
          timer_accuracy),
      client_(require(etcd::Client::start(loop, options.endpoints, options.credentials,
                                          [this](std::uint64_t id, const CallResult& result, bool) {
                                              request_.on_reply(boottime_now(), id, result);
                                              go_on();
                                          }))) {
    const auto timeout_ms = std::chrono::floor<std::chrono::milliseconds>(timeout).count();
    request_.start(
        began_,
        admin::End{
            .subject = "alice", .by = "root", .reason = "bench", .timeout_ms = static_cast<std::uint32_t>(timeout_ms)},
        {.up = true});
    go_on();
}

nlohmann::json Administrator::result() const {
    return {{"at", began_.time_since_epoch().count()},
            {"answered_us", answered_},
            {"missing", missing_},
            {"completed_us", completed_},
            {"error", error_}};
}

void Administrator::watch(const KeyRange& keys, std::int64_t revision) {
    client_->watch(
        keys, revision,
        [this](const std::vector<etcd::Client::Change>& changes) {
            for (const etcd::Client::Change& change : changes) {
                if (!change.deleted) {
                    request_.on_change(boottime_now(), change.key, change.value);
                }
            }
            go_on();
        },
        [this] {
            request_.on_watch_lost(boottime_now());
            go_on();
        });
}

void Administrator::send(const admin::Row& row) {
    const std::int64_t needed = (boottime_now() - began_).count();
    if (const auto* ended = std::get_if<admin::EndedRow>(&row)) {
        if (ended->answered) {
            answered_.push_back(needed);
        } else {
            missing_.emplace_back(ended->host);
        }
    } else if (const auto* done = std::get_if<admin::Done>(&row)) {
        completed_ = needed;
        error_ = done->code == admin::Done::Code::ok ? std::string_view() : done->text;
    }
}

/// Continues with the request after an event.
void Administrator::go_on() {
    while (request_.waits_until_sent()) {
        request_.on_sent(boottime_now());
    }
    if (request_.deadline() == never) {
        timer_.disarm();
    } else {
        require(timer_.arm_at(request_.deadline().time_since_epoch()));
    }
}

} // namespace sesslimit::fleet::bench
