// SPDX-License-Identifier: MIT
#pragma once

#include "common/unique_fd.hpp"
#include "ctl/client/bus.hpp"
#include "ctl/client/daemon_client.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace sesslimit::test {

/// org.sesslimit1 as its contract says, made up: a thread of the test that answers on a bus.
class FakeService {
  public:
    struct Behaviour {
        std::vector<ctl::Session> sessions;
        std::set<std::string> denied;         ///< ids and users that may not be ended
        std::set<std::string> wants_password; ///< ids that polkit would ask for
        std::string reload_problems;          ///< not empty: what the policy is rejected for
        ctl::Explanation explanation;
        ctl::Status status{
            .version = "9.9", .policy_state = "files", .policy_since = 1, .sessions = 2, .recording = true};
        bool silent = false; ///< answers a ping and no other call
        bool deaf = false;   ///< answers no call, as a daemon that hangs
        std::chrono::milliseconds explain_takes{0};
        bool garbled = false; ///< ListSessions has another signature than it should
    };

    /// Has its name when the constructor returns; throws std::runtime_error where it does not get it.
    FakeService(const std::string& address, Behaviour behaviour);
    FakeService(const FakeService&) = delete;
    FakeService& operator=(const FakeService&) = delete;
    ~FakeService();

    /// What was asked so far: "EndSession 12".
    std::vector<std::string> calls();

    void emit(const std::string& signal, const std::string& event, const ctl::Session& session, ctl::Usec left);
    void emit_policy(const std::string& state);
    void drop_name();
    void take_name();

    // For the table of methods.
    Behaviour behaviour;
    void note(const std::string& call);

  private:
    void serve();
    void post(std::function<void(sd_bus*)> work);
    void run_posted();

    ctl::Bus bus_;
    UniqueFd wake_;
    std::atomic<bool> stop_ = false;
    std::mutex mutex_; // guards the two below
    std::vector<std::string> calls_;
    std::vector<std::function<void(sd_bus*)>> posted_;
    std::thread thread_;
};

/// The interface, with a FakeService behind it; and one of other types.
const sd_bus_vtable* fake_interface();
const sd_bus_vtable* garbled_interface();

/// Appends a session as a{sv}; `event` as in signals where it is not empty.
int append_session(sd_bus_message* message, const ctl::Session& session, const std::string& event = {},
                   ctl::Usec left = ctl::infinity);

} // namespace sesslimit::test
