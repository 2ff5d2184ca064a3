// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/bus.hpp"
#include "ctl/client/daemon_client.hpp"

#include <functional>
#include <optional>
#include <string>

namespace sesslimit::ctl {

/// The daemon over the system bus (DBUS_SYSTEM_BUS_ADDRESS, as sd_bus_open_system(3)). Connects at the first question.
/// Never starts the daemon.
///
/// The first call is a Peer.Ping, which has `ping_patience`: a daemon that hangs, or whose replies the bus drops, is
/// recognised within that time. The calls after it wait for `patience`. Calls during which a user database or a user is
/// asked have more time. SYSTEMD_BUS_TIMEOUT takes the place of both.
class BusClient final : public Remote {
  public:
    struct Options {
        bool interactive = false; ///< polkit may ask for a password, on the terminal
        Usec patience = 10'000'000;
        Usec ping_patience = 2'000'000;
    };
    explicit BusClient(const Options& options) : options_(options) {}

    Answer<std::vector<Session>> list() override;
    Answer<Session> session(const std::string& id) override;
    Answer<> end_session(const std::string& id) override;
    Answer<std::uint32_t> end_user(const std::string& user) override;
    Answer<std::uint32_t> end_credential(const std::string& fingerprint) override;
    Answer<Explanation> explain(const ExplainQuery& question) override;
    Answer<> reload() override;
    Answer<Status> status() override;
    DaemonProcess process() override;
    Answer<> watch(const Watcher& watcher) override;

  private:
    struct Reply {
        Message message;
        std::optional<Failure> failure;
        bool wants_person = false; ///< it would have asked for a password, had we allowed it
        bool timed_out = false;    ///< no answer came, not even the bus's that there will be none
    };
    using Fill = std::function<int(sd_bus_message*)>; ///< appends the arguments; a negative errno where it cannot

    Answer<> connect();
    Answer<> reach_daemon();
    Answer<Message> compose(const char* interface, const char* member, const Fill& fill);
    Reply send(sd_bus_message* call, Usec timeout);
    Answer<Message> ask(const char* member, const Fill& fill, Usec timeout = 0);
    Answer<Message> ask_authorized(const char* member, const Fill& fill, Usec timeout = 0);
    static Answer<Message> answer_of(Reply reply);

    Options options_;
    Bus bus_;
    bool reached_ = false; ///< the daemon answered a ping
};

/// The failure of a call to libsystemd, by its negative errno.
Failure failure_of_errno(int error);

} // namespace sesslimit::ctl
