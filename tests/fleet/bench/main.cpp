// SPDX-License-Identifier: MIT
// Simulated hosts of a fleet. Reads commands from standard input, one in a line, and writes the result of each as a
// line of JSON. The commands are the functions of fleet.hpp. Between commands the hosts run on.
#include "tests/fleet/bench/fleet.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

using namespace sesslimit;
using namespace sesslimit::fleet::bench;

std::string contents(const char* path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) {
        parts.push_back(part);
    }
    return parts;
}

/// Executes a command.
Fleet::Json execute(Fleet& fleet, const std::string& line) {
    std::istringstream words(line);
    std::string name;
    std::array<std::uint64_t, 3> numbers{};
    words >> name >> numbers[0] >> numbers[1] >> numbers[2];
    const auto span = [&](std::size_t at) { return std::chrono::milliseconds(numbers.at(at)); };
    if (name == "join") {
        return fleet.join(numbers[0]);
    }
    if (name == "claims" || name == "puts") {
        return name == "claims" ? fleet.claims(numbers[0], span(1)) : fleet.puts(numbers[0], span(1));
    }
    if (name == "burst") {
        return fleet.burst(numbers[0], numbers[1], static_cast<std::uint32_t>(numbers[2]));
    }
    if (name == "failover") {
        return fleet.failover(span(0));
    }
    if (name == "lose") {
        return fleet.lose();
    }
    if (name == "state") {
        return fleet.state();
    }
    if (name == "order") {
        return fleet.order(numbers[0], span(1));
    }
    if (name == "received") {
        return fleet.received(numbers[0]);
    }
    return {{"error", "unknown command"}};
}

/// Reads lines from standard input while the event loop runs. Returns at its end.
void serve(sd_event* loop, Fleet& fleet) {
    std::string input;
    bool at_end = false;
    const auto source = watch_descriptor(loop, STDIN_FILENO, EPOLLIN, [&](std::uint32_t) {
        std::array<char, 256> buffer{};
        const ssize_t size = read(STDIN_FILENO, buffer.data(), buffer.size());
        at_end |= size <= 0;
        input.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    });
    while (source && !at_end) {
        if (const auto end = input.find('\n'); end != std::string::npos) {
            const std::string line = input.substr(0, end);
            input.erase(0, end + 1);
            std::cout << execute(fleet, line).dump() << std::endl;
        } else if (sd_event_run(loop, UINT64_MAX) < 0) {
            return;
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 9) {
        std::fprintf(stderr, "usage: bench_fleet CA CERTIFICATE KEY ENDPOINT,... FLEET FIRST COUNT TTL\n");
        return 2;
    }
    auto loop = make_event_loop();
    if (!loop) {
        std::fprintf(stderr, "bench_fleet: %s\n", loop.error().what.c_str());
        return EXIT_FAILURE;
    }
    Fleet fleet(loop->get(),
                {.credentials = {.ca = contents(argv[1]), .certificate = contents(argv[2]), .key = contents(argv[3])},
                 .endpoints = split(argv[4], ','),
                 .fleet = argv[5],
                 .first = std::stoul(argv[6]),
                 .count = std::stoul(argv[7]),
                 .host_ttl = std::chrono::seconds(std::stoul(argv[8]))});
    serve(loop->get(), fleet);
    return EXIT_SUCCESS;
}
