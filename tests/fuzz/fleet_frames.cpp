// SPDX-License-Identifier: MIT
// A frame between sesslimitd and sesslimit-fleetd, in either direction.
#include "fleet/protocol.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace sesslimit::fuzz {
namespace {

using Bytes = std::span<const std::byte>;
namespace wire = fleet::wire;

/// Checks that a decoded frame is encoded to a frame that is decoded and encoded to the same bytes.
template <class Frame>
void goes_back(Bytes bytes) {
    const auto frame = wire::decode<Frame>(bytes);
    if (!frame) {
        return;
    }
    must(wire::kind_of(bytes) == Frame::kind, "a frame is decoded only as its own kind");
    std::array<std::byte, wire::max_frame> out;   // NOLINT: only written bytes are read
    std::array<std::byte, wire::max_frame> again; // NOLINT
    const auto size = wire::encode(*frame, out);
    must(size.has_value(), "a decoded frame can be encoded");
    const auto reread = wire::decode<Frame>(Bytes(out).first(*size));
    must(reread.has_value(), "an encoded frame is decoded");
    must(wire::encode(*reread, again) == size &&
             std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size), again.begin()),
         "to the same frame");
    must(!wire::encode(*frame, std::span(out).first(*size - 1)), "but not into a shorter buffer");
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    const Bytes frame = std::as_bytes(bytes);
    goes_back<wire::Hello>(frame);
    goes_back<wire::ClaimFrame>(frame);
    goes_back<wire::ListedFrame>(frame);
    goes_back<wire::ListEnd>(frame);
    goes_back<wire::ReleaseFrame>(frame);
    goes_back<wire::EndedFrame>(frame);
    goes_back<wire::AnswerFrame>(frame);
    goes_back<wire::StateFrame>(frame);
    goes_back<wire::OverLimitFrame>(frame);
    goes_back<wire::RepairingFrame>(frame);
    goes_back<wire::EndFrame>(frame);
}

} // namespace sesslimit::fuzz
