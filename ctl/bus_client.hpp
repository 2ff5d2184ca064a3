// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/bus.hpp"
#include "ctl/remote.hpp"

#include <functional>
#include <optional>
#include <string>

namespace sesslimit::ctl {

/// The daemon over the system bus (DBUS_SYSTEM_BUS_ADDRESS, as sd_bus_open_system(3)). Connects at the first question.
/// No call waits longer than `patience`, or what SYSTEMD_BUS_TIMEOUT says; a policy that is read and a person who is
/// asked for a password have more time. Never starts the daemon.
class BusClient final : public Remote {
  public:
    struct Options {
        bool interactive = false; ///< polkit may ask for a password, on the terminal
        Usec patience = 10'000'000;
    };
    explicit BusClient(const Options& options) : options_(options) {}

    Answer<std::vector<Session>> list() override;
    Answer<Session> session(const std::string& id) override;
    Answer<> end_session(const std::string& id) override;
    Answer<std::uint32_t> end_user(const std::string& user) override;
    Answer<std::uint32_t> end_credential(const std::string& fingerprint) override;
    Answer<Explanation> explain(const Question& question) override;
    Answer<> reload() override;
    Answer<Status> status() override;
    Answer<> watch(const Watcher& watcher) override;

  private:
    struct Reply {
        Message message;
        std::optional<Failure> failure;
        bool wants_person = false; ///< it would have asked for a password, had we allowed it
    };
    using Fill = std::function<int(sd_bus_message*)>; ///< appends the arguments; a negative errno where it cannot

    Answer<> connect();
    Answer<Message> compose(const char* interface, const char* member, const Fill& fill);
    Reply send(sd_bus_message* call, Usec timeout);
    Answer<Message> ask(const char* member, const Fill& fill);
    Answer<Message> ask_authorized(const char* member, const Fill& fill, Usec timeout = 0);
    static Answer<Message> answer_of(Reply reply);

    Options options_;
    Bus bus_;
};

/// The failure of a call to libsystemd, by its negative errno.
Failure failure_of_errno(int error);

} // namespace sesslimit::ctl
