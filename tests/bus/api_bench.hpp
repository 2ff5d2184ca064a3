// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/service.hpp"
#include "tests/bus/party.hpp"
#include "tests/unit/support/core_world.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <fstream>
#include <memory>
#include <string>
#include <utility>

/// The D-Bus service of the daemon with a simulated daemon behind it.
namespace sesslimit::test {

inline constexpr const char* manager = "org.sesslimit1.Manager";

/// A simulated daemon with a state. Requests to it are appended to `log`.
struct FakeBackend final : api::Backend {
    World world;
    inspect::TerminalSnapshot seen;
    inspect::TerminationPreview reached;
    std::string log;
    core::Requester requester; ///< the last requester
    api::Status reported;
    Result<policy::Policy> changed; ///< result of load_changed()

    [[nodiscard]] const core::State& state() const override { return world.state; }
    [[nodiscard]] const policy::Policy& policy() const override { return world.policy; }
    [[nodiscard]] api::Status status() const override { return reported; }
    [[nodiscard]] api::WallClock moment() const override {
        return {.now = world.now, .wall_offset = world.wall_offset};
    }
    const inspect::TerminalSnapshot& terminal_snapshot(const core::Session&) override { return seen; }
    const inspect::TerminationPreview& termination_preview(const core::Session&) override { return reached; }
    void end(SessionKey key, const core::Requester& by) override {
        log += "end " + std::to_string(std::to_underlying(key)) + " by " + by.name + "; ";
        requester = by;
    }
    void reload(std::function<void(Result<>)> then) override { then({}); }
    void load_changed(std::string name, std::string text, std::function<void(Result<policy::Policy>)> then) override {
        log += name + ": " + text + "; ";
        then(changed);
    }
    bool look_up(uid_t caller, api::ExplainQuery question, std::function<void(std::optional<Login>)>) override {
        const std::string& user = question.login.user;
        log += "look " + (user.empty() ? "uid " + std::to_string(question.uid.value()) : user) + " up for " +
               std::to_string(caller) + "; ";
        return false;
    }
};

/// Sets the login UID of the calling process, which later connections to the bus have. Returns false if the kernel or
/// the permissions of the process do not allow this.
inline bool set_login_uid(const char* uid) {
    std::ofstream file("/proc/self/loginuid");
    file << uid << std::flush;
    return static_cast<bool>(file);
}

inline constexpr const char* no_login_uid = "4294967295";

/// The service of the daemon on a private bus, and a caller of it.
struct ApiBench {
    PrivateBus bus;
    EventLoop loop = make_loop();
    FakeBackend daemon;
    std::string failures;
    Party party{loop, bus};
    std::unique_ptr<api::Service> service;

    ApiBench() {
        (void)set_login_uid(no_login_uid);
        make_system_bus(bus);
        service =
            std::make_unique<api::Service>(loop.get(), [this](const Error& error) { failures += error.what + "; "; });
        service->open(daemon, [] {});
    }

    /// Returns the error name of the reply to this call of the manager. Returns "" on success and "-" without a reply.
    template <class... Values>
    std::string call(const char* method, const char* types, Values... values) {
        std::string error = reply(party, manager, method, types, values...);
        const bool is_error = error.starts_with('!') || error == "-";
        return is_error ? error.substr(error.starts_with('!') ? 1 : 0) : "";
    }

    /// Returns the values in the reply to a call by this party, as text_of() formats them. Returns "!" and the error
    /// name after an error, and "-" without a reply.
    template <class... Values>
    std::string reply(const Party& caller, const char* interface, const char* method, const char* types,
                      Values... values) {
        std::string answer = "-";
        (void)sd_bus_call_method_async(
            caller.get(), nullptr, "org.sesslimit1", "/org/sesslimit1", interface, method,
            [](sd_bus_message* m, void* data, sd_bus_error*) {
                const sd_bus_error* error = sd_bus_message_get_error(m);
                *static_cast<std::string*>(data) = error == nullptr ? text_of(m) : std::string("!") + error->name;
                return 0;
            },
            &answer, types, values...);
        (void)run_until(loop, [&] { return answer != "-"; });
        return answer;
    }

    /// Calls a method that terminates sessions, with an option if its name is not empty.
    std::string end(const char* method, const char* target, const char* option = "", const char* type = "s",
                    const char* value = "") {
        return *option == '\0' ? call(method, "sa{sv}", target, 0)
                               : call(method, "sa{sv}", target, 1, option, type, value);
    }

    /// Waits until the service has acquired its name. Before that, the bus reports that the name does not have an
    /// owner.
    bool is_up() {
        return run_until(loop, [&] { return sd_bus_get_name_creds(party.get(), "org.sesslimit1", 0, nullptr) >= 0; });
    }
};

} // namespace sesslimit::test
