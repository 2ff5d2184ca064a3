// SPDX-License-Identifier: MIT
// A frame between sesslimitd or sesslimitctl and sesslimit-fleetd, in either direction.
#include "fleet/admin_protocol.hpp"
#include "fleet/protocol.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace sesslimit::fuzz {
namespace {

using Bytes = std::span<const std::byte>;
namespace wire = fleet::wire;
namespace admin = fleet::admin;

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

/// Does the same for a request of an administrator, or a frame of its reply.
template <class Frame>
void admin_goes_back(Bytes bytes) {
    const auto frame = admin::decode<Frame>(bytes);
    if (!frame) {
        return;
    }
    must(admin::kind_of(bytes) == Frame::kind, "a frame is decoded only as its own kind");
    std::array<std::byte, admin::max_frame> out;   // NOLINT: only written bytes are read
    std::array<std::byte, admin::max_frame> again; // NOLINT
    const auto size = admin::encode(*frame, out);
    must(size.has_value(), "a decoded frame can be encoded");
    const Bytes written = Bytes(out).first(*size);
    const auto reread = admin::decode<Frame>(written);
    must(reread.has_value(), "an encoded frame is decoded");
    must(admin::encode(*reread, again) == size && std::equal(written.begin(), written.end(), again.begin()),
         "to the same frame");
    const bool is_request = admin::decode_request(bytes).has_value();
    must(is_request != admin::decode_row(bytes).has_value(), "it is either a request or a frame of a reply");
    const auto any = is_request ? admin::encode_any(*admin::decode_request(bytes), again)
                                : admin::encode_any(*admin::decode_row(bytes), again);
    must(any == size && std::equal(written.begin(), written.end(), again.begin()), "with the same fields");
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
    admin_goes_back<admin::List>(frame);
    admin_goes_back<admin::Hosts>(frame);
    admin_goes_back<admin::Status>(frame);
    admin_goes_back<admin::End>(frame);
    admin_goes_back<admin::Drain>(frame);
    admin_goes_back<admin::Forget>(frame);
    admin_goes_back<admin::SessionRow>(frame);
    admin_goes_back<admin::HostRow>(frame);
    admin_goes_back<admin::StateRow>(frame);
    admin_goes_back<admin::NodeRow>(frame);
    admin_goes_back<admin::AlarmRow>(frame);
    admin_goes_back<admin::EndedRow>(frame);
    admin_goes_back<admin::Done>(frame);
}

} // namespace sesslimit::fuzz
