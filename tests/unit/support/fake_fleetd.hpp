// SPDX-License-Identifier: MIT
#pragma once

#include "common/unique_fd.hpp"
#include "daemon/listen_socket.hpp"
#include "fleet/protocol.hpp"

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace sesslimit::test {

/// A process that speaks the protocol of sesslimit-fleetd (docs/fleet-protocol.md). Its functions do not wait.
class FakeFleetd {
  public:
    explicit FakeFleetd(const std::string& path) : listener_(std::move(listen_at(path.c_str())).value_or(UniqueFd())) {}

    [[nodiscard]] int listener() const { return listener_.get(); }
    [[nodiscard]] bool is_connected() const { return static_cast<bool>(peer_); }

    /// Accepts a connection, which replaces the earlier one. Returns false if there is none.
    bool accept() {
        UniqueFd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (peer) {
            peer_ = std::move(peer);
        }
        return static_cast<bool>(peer_);
    }

    /// Closes the connection, also for processes that were forked in the meantime.
    void hang_up() {
        if (peer_) {
            (void)shutdown(peer_.get(), SHUT_RDWR);
            peer_.reset();
        }
    }

    /// Receives the frames that have arrived, for example "hello d, listed 7 alice 3, end of list". An end of the
    /// connection is "closed".
    std::string frames() {
        std::string all;
        std::string frame;
        while (!(frame = next_frame()).empty()) {
            all += (all.empty() ? "" : ", ") + frame;
        }
        return all;
    }

    /// Receives one frame. Returns an empty text if none has arrived.
    std::string next_frame() {
        std::array<std::byte, fleet::wire::max_frame> bytes{};
        const ssize_t size = peer_ ? recv(peer_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) : -1;
        if (size == 0) {
            peer_.reset();
            return "closed";
        }
        return size < 0 ? std::string() : described(std::span(bytes).first(static_cast<std::size_t>(size)));
    }

    template <class Frame>
    void send(const Frame& frame) {
        std::array<std::byte, fleet::wire::max_frame> bytes{};
        send_bytes(std::span(bytes).first(fleet::wire::encode(frame, bytes).value_or(0)));
    }

    void send_bytes(std::span<const std::byte> bytes) {
        (void)::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }

    void send_state(bool up) {
        fleet::wire::StateFrame frame;
        frame.up = up;
        frame.reason = up ? "" : "a test";
        send(frame);
    }

    void answer(std::uint64_t session, fleet::wire::Outcome outcome) {
        fleet::wire::AnswerFrame frame;
        frame.session = session;
        frame.outcome = outcome;
        if (outcome == fleet::wire::Outcome::full) {
            frame.count = 2;
            frame.holders[0] = {"web1", 1'700'000'000};
            frame.holder_count = 1;
        }
        send(frame);
    }

  private:
    static std::string session_of(const fleet::wire::SessionFrame& frame) {
        return std::to_string(frame.session) + ' ' + std::string(frame.user) + ' ' + std::to_string(frame.limit) +
               (frame.rule.empty() ? "" : " by ") + std::string(frame.rule);
    }

    static std::string described(std::span<const std::byte> bytes) {
        using namespace fleet::wire;
        if (const auto hello = decode<Hello>(bytes)) {
            return "hello " + std::string(hello->policy);
        }
        if (const auto claim = decode<ClaimFrame>(bytes)) {
            return (claim->enforced ? "claim " : "record ") + session_of(*claim);
        }
        if (const auto listed = decode<ListedFrame>(bytes)) {
            return "listed " + session_of(*listed);
        }
        if (decode<ListEnd>(bytes)) {
            return "end of list";
        }
        if (const auto release = decode<ReleaseFrame>(bytes)) {
            return "release " + std::to_string(release->session);
        }
        if (const auto ended = decode<EndedFrame>(bytes)) {
            return "ended " + std::to_string(ended->count) + " for " + std::to_string(ended->order);
        }
        return "invalid";
    }

    UniqueFd listener_;
    UniqueFd peer_;
};

} // namespace sesslimit::test
