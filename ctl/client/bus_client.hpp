// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/client/bus.hpp"
#include "ctl/client/daemon_client.hpp"

#include <functional>
#include <optional>
#include <string>

namespace sesslimit::ctl {

/// A client of the daemon on the system bus (DBUS_SYSTEM_BUS_ADDRESS, as in sd_bus_open_system(3)). The client connects
/// at its first call. It never starts the daemon.
///
/// Before its first request, the client calls Peer.Ping with the timeout `ping_patience`. The ping detects a daemon
/// that hangs or whose replies the bus drops. Requests have the timeout `patience`, but requests that query a user
/// database or ask the user for a password have more time. The environment variable SYSTEMD_BUS_TIMEOUT replaces both
/// timeouts.
class BusClient final : public Remote {
  public:
    struct Options {
        bool interactive = false; ///< True if polkit may ask for a password on the terminal.
        Usec patience = 10'000'000;
        Usec ping_patience = 2'000'000;
    };
    explicit BusClient(const Options& options) : options_(options) {}

    Answer<std::vector<Session>> list() override;
    Answer<Session> session(const std::string& id) override;
    Answer<> end_session(const std::string& id, const std::string& message) override;
    Answer<std::vector<std::string>> end_user(const std::string& user, const std::string& message) override;
    Answer<std::vector<std::string>> end_credential(const std::string& fingerprint,
                                                    const std::string& message) override;
    Answer<Explanation> explain(const ExplainQuery& question) override;
    Answer<> reload() override;
    Answer<PolicyPreview> preview(const std::string& file, const std::string& text,
                                  const std::string& session) override;
    Answer<Status> status() override;
    DaemonProcess process() override;
    Answer<> watch(const Watcher& watcher) override;

  private:
    struct Reply {
        Message message;
        std::optional<Failure> failure;
        bool wants_person = false; ///< True if the call failed because it did not allow polkit to ask for a password.
        bool timed_out = false;    ///< True if no reply arrived, not even an error from the bus.
    };
    /// A function that appends the arguments to a method call. Returns a negative errno value on failure.
    using Fill = std::function<int(sd_bus_message*)>;

    Answer<> connect();
    Answer<> reach_daemon();
    Answer<Message> compose(const char* interface, const char* member, const Fill& fill);
    Reply send(sd_bus_message* call, Usec timeout);
    Answer<Message> ask(const char* member, const Fill& fill, Usec timeout = 0);
    Answer<Message> ask_authorized(const char* member, const Fill& fill, Usec timeout = 0);
    static Answer<Message> answer_of(Reply reply);

    Options options_;
    Bus bus_;
    bool reached_ = false; ///< True after the daemon has answered a ping.
};

/// Converts a negative errno value of libsystemd to a failure of a request.
Failure failure_of_errno(int error);

} // namespace sesslimit::ctl
