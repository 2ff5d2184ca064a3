// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <string_view>

/// The frames between the PAM module and the daemon: docs/protocol.md is their specification.
/// Nothing here allocates, throws or touches a descriptor: bytes in, views out; values in, bytes out.
namespace sesslimit::wire {

inline constexpr std::uint16_t version = 1;
inline constexpr char default_socket[] = "/run/sesslimit.sock";

/// Bounds, in bytes unless said otherwise. A longer value is denied by both sides, never cut silently.
inline constexpr std::size_t max_frame = 32768;
inline constexpr std::size_t max_user = 255; // LOGIN_NAME_MAX - 1
inline constexpr std::size_t max_service = 64;
inline constexpr std::size_t max_tty = 64;
inline constexpr std::size_t max_host = 255;       // RFC 1035: 253; room for what a service writes instead
inline constexpr std::size_t max_auth_info = 8192; // a certificate with many principals
inline constexpr std::size_t max_connection = 128; // two addresses with scopes, two ports
inline constexpr std::size_t max_seat = 64;
inline constexpr std::size_t max_gids = 4096; // groups, not bytes
inline constexpr std::size_t max_text = 4096;
inline constexpr std::uint32_t max_budget_ms = 3'600'000;
inline constexpr std::uint32_t max_wait_ms = 10'000;

/// Stands for a remote host whose name is too long: left out it would pass for a login from this host.
/// RFC 2606 keeps .invalid free of real names.
inline constexpr std::string_view too_long_host = "too-long.invalid";

enum class WireError {
    no_room,       ///< the buffer to encode into is too small
    too_long,      ///< a value is beyond its bound
    truncated,     ///< the frame ends inside its header or a field, or is longer than its header says
    not_ours,      ///< another magic
    other_version, ///< ours, but another version of the protocol
    unknown_kind,  ///< a kind that this side does not take
    bad_field,     ///< a field of the wrong size, a text that is empty or holds a NUL, a value out of its range
    repeated,      ///< one field twice
    missing,       ///< a field that this kind must have is not there
};

/// A list of group ids inside a frame, at any alignment. A view: the bytes belong to the frame.
class GidView {
  public:
    GidView() = default;
    /// `bytes` is a whole number of group ids.
    explicit GidView(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
    explicit GidView(std::span<const gid_t> gids) noexcept : bytes_(std::as_bytes(gids)) {}

    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() / sizeof(gid_t); }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
    [[nodiscard]] gid_t operator[](std::size_t index) const noexcept {
        gid_t gid = 0;
        std::memcpy(&gid, bytes_.subspan(index * sizeof gid, sizeof gid).data(), sizeof gid);
        return gid;
    }

  private:
    std::span<const std::byte> bytes_;
};

/// pam_open_session: may this login have a session? Texts are as PAM has them: any bytes but NUL.
/// An item that PAM does not have is an empty text. Views live as long as the frame they were read from.
struct OpenRequest {
    std::string_view user;       ///< the user's name as the user database spells it (PAM_USER may differ); never empty
    uid_t uid = 0;               ///< never (uid_t)-1
    GidView gids;                ///< every group of the user, the primary one among them; never empty
    bool gids_cut = false;       ///< the user is in more than max_gids groups: the rest is not here
    std::string_view service;    ///< PAM_SERVICE; never empty
    std::string_view tty;        ///< PAM_TTY
    std::string_view rhost;      ///< PAM_RHOST
    std::string_view ruser;      ///< PAM_RUSER
    std::string_view auth_info;  ///< SSH_AUTH_INFO_0 of sshd: how the user proved who they are
    std::string_view connection; ///< SSH_CONNECTION of sshd: client address and port, server address and port
    std::string_view seat;       ///< "seat0" and the like, where the login says at which seat it sits
    bool nested = false;         ///< the caller already runs inside a session-*.scope of logind
    std::uint32_t budget_ms = 0; ///< how long the module will wait for the verdict, 1 ms to 1 h
};

/// pam_close_session. `session` is what the verdict named, 0 where the module no longer knows it.
struct CloseRequest {
    std::uint64_t session = 0;
};

enum class Outcome : std::uint8_t {
    admitted = 1,  ///< let in, and counted
    uncounted = 2, ///< let in; such a login is no session of its own
    denied = 3,    ///< not let in: `text` says why
    failed = 4,    ///< the daemon could not decide: the module does as its on_error says
    noted = 5,     ///< answer to a close
};

struct Verdict {
    Outcome outcome = Outcome::failed;
    std::uint64_t session = 0; ///< names the session in the later close: not 0 if admitted, 0 for all others
    std::string_view text;     ///< for the user, one or more lines, already safe to show; may be empty
};

/// Before a verdict, at most once: it takes longer than the asker's budget, and is worth waiting for.
struct Wait {
    std::uint32_t more_ms = 0; ///< from now on, 1 ms to max_wait_ms
};

enum class Kind : std::uint16_t { open = 1, close = 2, verdict = 3, wait = 4 };

/// Each writes one whole frame to the start of `out` and says how long it is. On failure `out` holds rubbish.
std::expected<std::size_t, WireError> encode(const OpenRequest& request, std::span<std::byte> out) noexcept;
std::expected<std::size_t, WireError> encode(const CloseRequest& request, std::span<std::byte> out) noexcept;
std::expected<std::size_t, WireError> encode(const Verdict& verdict, std::span<std::byte> out) noexcept;
std::expected<std::size_t, WireError> encode(const Wait& wait, std::span<std::byte> out) noexcept;

/// Which kind a frame is, by its header alone (magic, version and length checked).
std::expected<Kind, WireError> kind_of(std::span<const std::byte> frame) noexcept;

/// Each reads one whole frame of its kind, every bound checked. Fields it does not know are passed over.
std::expected<OpenRequest, WireError> decode_open(std::span<const std::byte> frame) noexcept;
std::expected<CloseRequest, WireError> decode_close(std::span<const std::byte> frame) noexcept;
std::expected<Verdict, WireError> decode_verdict(std::span<const std::byte> frame) noexcept;
std::expected<Wait, WireError> decode_wait(std::span<const std::byte> frame) noexcept;

/// The error in a few words, for a log: "truncated frame".
std::string_view describe(WireError error) noexcept;

} // namespace sesslimit::wire
