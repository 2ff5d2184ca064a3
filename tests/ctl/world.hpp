// SPDX-License-Identifier: MIT
#pragma once

#include "tests/bus/private_bus.hpp"
#include "tests/ctl/fake_service.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/ctl/program.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace sesslimit::test {

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Returns the sessions 12 of alice, 9 of bob and 20 of root. Only root may terminate session 20.
inline FakeService::Behaviour a_host() {
    FakeService::Behaviour behaviour;
    behaviour.sessions = {alices_session("12"), alices_session("9"), alices_session("20")};
    behaviour.sessions[0].credential = "SHA256:leaked";
    behaviour.sessions[1].user = "bob";
    behaviour.sessions[1].uid = 1001;
    behaviour.sessions[2].user = "root";
    behaviour.sessions[2].uid = 0;
    behaviour.denied = {"20", "root"};
    return behaviour;
}

/// A bus, a service on it, and the program under test.
struct World {
    PrivateBus bus;
    FakeService service;

    /// `rules` are passed to PrivateBus.
    explicit World(FakeService::Behaviour behaviour = a_host(), const std::string& rules = {})
        : bus(rules), service(bus.address(), std::move(behaviour)) {}

    [[nodiscard]] Program::Start start(std::vector<std::string> arguments) const {
        return {
            .arguments = std::move(arguments), .bus = bus.address(), .environment = {}, .columns = {}, .command = {}};
    }
    [[nodiscard]] Program::Start start_on_terminal(std::vector<std::string> arguments,
                                                   unsigned short columns = 80) const {
        Program::Start how = start(std::move(arguments));
        how.columns = columns;
        return how;
    }
    Program::Outcome run(std::vector<std::string> arguments) const { return test::run(start(std::move(arguments))); }
    /// Returns true if the service received exactly this call.
    bool was_asked(const std::string& call) {
        const auto calls = service.calls();
        return std::ranges::find(calls, call) != calls.end();
    }
};

} // namespace sesslimit::test
