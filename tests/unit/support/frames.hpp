// SPDX-License-Identifier: MIT
#pragma once

#include "common/protocol.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// Wire frames, made by the encoder and by hand.
namespace sesslimit::wire {

using Frame = std::vector<std::byte>;

/// Returns the encoded message, or an empty frame on error.
template <class Message>
Frame encoded(const Message& message) {
    Frame frame(max_frame);
    const auto length = encode(message, frame);
    frame.resize(length ? *length : 0);
    return frame;
}

/// Returns the error of encoding the message into `room` bytes, if any.
template <class Message>
std::optional<WireError> encode_error(const Message& message, std::size_t room = max_frame) {
    Frame frame(room);
    const auto length = encode(message, frame);
    return length ? std::nullopt : std::optional(length.error());
}

/// Returns the error of a result, if any.
template <class Expected>
std::optional<WireError> error_of(const Expected& result) {
    return result ? std::nullopt : std::optional(result.error());
}

template <class Number>
void append(Frame& frame, Number value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    frame.insert(frame.end(), bytes.begin(), bytes.end());
}

/// Builds a frame by hand, so that the encoder is tested against the specification and not against itself.
class Hand {
  public:
    explicit Hand(std::uint16_t kind) : kind_(kind) {}
    Hand& field(std::uint16_t tag, std::string_view value) {
        append(body_, tag);
        append(body_, static_cast<std::uint16_t>(value.size()));
        for (const char c : value) {
            body_.push_back(static_cast<std::byte>(c));
        }
        return *this;
    }
    template <class Number>
    Hand& number(std::uint16_t tag, Number value) {
        return field(tag, {reinterpret_cast<const char*>(&value), sizeof value});
    }
    Hand& raw(std::string_view bytes) {
        for (const char c : bytes) {
            body_.push_back(static_cast<std::byte>(c));
        }
        return *this;
    }
    [[nodiscard]] Frame frame() const {
        Frame whole;
        for (const char c : std::string_view("SLIM")) {
            whole.push_back(static_cast<std::byte>(c));
        }
        append(whole, std::uint16_t{1});
        append(whole, kind_);
        append(whole, static_cast<std::uint32_t>(body_.size()));
        whole.insert(whole.end(), body_.begin(), body_.end());
        return whole;
    }

  private:
    std::uint16_t kind_;
    Frame body_;
};

/// Returns a valid open request with only the mandatory fields.
inline Hand open_by_hand() {
    return Hand(1)
        .field(1, "alice")
        .number(2, std::uint32_t{1000})
        .number(3, std::uint32_t{100})
        .field(5, "sshd")
        .number(11, std::uint32_t{2000});
}

inline Hand verdict_by_hand(std::uint8_t outcome) {
    return Hand(3).number(1, outcome);
}

inline constexpr gid_t one_group[] = {100};

/// Returns the smallest valid open request.
inline OpenRequest least_open() {
    OpenRequest request;
    request.user = "a";
    request.gids = GidView(std::span(one_group));
    request.service = "s";
    request.budget_ms = 1;
    return request;
}

} // namespace sesslimit::wire
