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

/// A fake service that implements the contract of org.sesslimit1, in a thread of the test.
class FakeService {
  public:
    struct Behaviour {
        std::vector<ctl::Session> sessions;
        std::set<std::string> denied;         ///< IDs and users that must not be terminated
        std::set<std::string> wants_password; ///< IDs for which polkit would ask for a password
        std::string reload_problems;          ///< if not empty: errors for which the policy is rejected
        ctl::Explanation explanation;
        ctl::Status status{
            .version = "9.9", .policy_state = "files", .policy_since = 1, .sessions = 2, .recording = true};
        bool silent = false; ///< answers only pings
        bool deaf = false;   ///< answers no call, like a daemon that hangs
        std::chrono::milliseconds explain_takes{0};
        bool garbled = false; ///< ListSessions has a wrong signature
    };

    /// Acquires its name before the constructor returns. Throws std::runtime_error on failure.
    FakeService(const std::string& address, Behaviour behaviour);
    FakeService(const FakeService&) = delete;
    FakeService& operator=(const FakeService&) = delete;
    ~FakeService();

    /// Returns the calls received so far, such as "EndSession 12".
    std::vector<std::string> calls();

    /// Emits a signal about a session. `left` is omitted if it is infinity.
    void emit(const std::string& signal, const std::string& event, const ctl::Session& session, ctl::Usec left);
    /// Emits PolicyChanged with this state.
    void emit_policy(const std::string& state);
    /// Releases or acquires the name on the bus.
    void drop_name();
    void take_name();

    // Used by the method table.
    Behaviour behaviour;
    void note(const std::string& call);

  private:
    void serve();
    void post(std::function<void(sd_bus*)> work);
    void run_posted();

    ctl::Bus bus_;
    UniqueFd wake_;
    std::atomic<bool> stop_ = false;
    std::mutex mutex_; // guards the two members below
    std::vector<std::string> calls_;
    std::vector<std::function<void(sd_bus*)>> posted_;
    std::thread thread_;
};

/// Returns the interface of a FakeService, and one with different types.
const sd_bus_vtable* fake_interface();
const sd_bus_vtable* garbled_interface();

/// Appends a session as a{sv}. Adds `event`, as in signals, unless it is empty.
int append_session(sd_bus_message* message, const ctl::Session& session, const std::string& event = {},
                   ctl::Usec left = ctl::infinity);

} // namespace sesslimit::test
