// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <string_view>

/// The frames between the PAM module and the daemon, as specified in docs/protocol.md. Functions here do not allocate,
/// throw or use descriptors. Decoding returns views into the frame. Encoding writes into a buffer of the caller.
namespace sesslimit::wire {

inline constexpr std::uint16_t version = 1;
inline constexpr char default_socket[] = "/run/sesslimit.sock";

/// Bounds, in bytes unless noted otherwise. Both sides reject a longer value and never truncate it silently.
inline constexpr std::size_t max_frame = 32768;
inline constexpr std::size_t max_user = 255; // LOGIN_NAME_MAX - 1
inline constexpr std::size_t max_service = 64;
inline constexpr std::size_t max_tty = 64;
// RFC 1035 permits 253 bytes. Some services write other texts, which may be longer.
inline constexpr std::size_t max_host = 255;
inline constexpr std::size_t max_auth_info = 8192; // a certificate with many principals
inline constexpr std::size_t max_connection = 128; // two addresses with scopes, two ports
inline constexpr std::size_t max_seat = 64;
inline constexpr std::size_t max_gids = 4096; // groups, not bytes
inline constexpr std::size_t max_text = 4096;
inline constexpr std::uint32_t max_budget_ms = 3'600'000;
inline constexpr std::uint32_t max_wait_ms = 10'000;

/// Replaces a remote host whose name is too long. If the host were omitted, the login would appear to come from this
/// host. RFC 2606 reserves .invalid, so that the replacement cannot be a real name.
inline constexpr std::string_view too_long_host = "too-long.invalid";

/// The reasons why a frame cannot be encoded or decoded.
enum class WireError {
    no_room,       ///< an output buffer that is too small
    too_long,      ///< a value above its bound
    truncated,     ///< a frame that ends inside its header or a field, or whose length differs from the length in the
                   ///< header
    not_ours,      ///< a different magic
    other_version, ///< the correct magic with a different protocol version
    unknown_kind,  ///< a kind that this side does not accept
    bad_field, ///< a field of the wrong size, an empty string, a string that contains a NUL byte, a value out of range
    repeated,  ///< a field that occurs twice
    missing,   ///< a mandatory field of this kind that is missing
};

/// A list of group IDs in a frame, at any alignment. Lifetime: a view into the frame.
class GidView {
  public:
    GidView() = default;
    /// The size of `bytes` must be a multiple of sizeof(gid_t).
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

/// Request of pam_open_session for a session. Texts are as PAM provides them and may contain any bytes but NUL. An item
/// that PAM does not have is an empty text. Lifetime: views into the frame that was decoded.
struct OpenRequest {
    std::string_view user;       ///< the user's name as the user database spells it (PAM_USER may differ); never empty
    uid_t uid = 0;               ///< the user's ID; never (uid_t)-1
    GidView gids;                ///< all groups of the user, including the primary group; never empty
    bool gids_cut = false;       ///< true if the user is in more than max_gids groups, so that `gids` is incomplete
    std::string_view service;    ///< PAM_SERVICE; never empty
    std::string_view tty;        ///< PAM_TTY
    std::string_view rhost;      ///< PAM_RHOST
    std::string_view ruser;      ///< PAM_RUSER
    std::string_view auth_info;  ///< SSH_AUTH_INFO_0 of sshd: the authentication methods that the user completed
    std::string_view connection; ///< SSH_CONNECTION of sshd: client address and port, server address and port
    std::string_view seat;       ///< name of the seat, such as "seat0"; empty if the login does not name its seat
    bool nested = false;         ///< true if the caller already runs inside a session-*.scope of logind
    std::uint32_t budget_ms = 0; ///< time that the module waits for the verdict, 1 ms to 1 h
};

/// Request of pam_close_session. `session` is the number from the verdict, or 0 if the module no longer knows it.
struct CloseRequest {
    std::uint64_t session = 0;
};

/// The result of a request.
enum class Outcome : std::uint8_t {
    admitted = 1,  ///< admitted and counted
    uncounted = 2, ///< admitted, but not a session of its own
    denied = 3,    ///< denied, with the reason in `text`
    failed = 4,    ///< the daemon could not decide, and the module applies its on_error
    noted = 5,     ///< reply to a close request
};

/// The reply to a request.
struct Verdict {
    Outcome outcome = Outcome::failed;
    std::uint64_t session = 0; ///< number of the session for the later close request; nonzero if and only if admitted
    std::string_view text;     ///< message for the user, one or more lines, already escaped for display; may be empty
};

/// Reply before a verdict, sent at most once. It announces that the verdict takes longer than the budget of the
/// request.
struct Wait {
    std::uint32_t more_ms = 0; ///< additional time in milliseconds from the receipt of this frame, 1 to max_wait_ms
};

/// The kinds of frames.
enum class Kind : std::uint16_t { open = 1, close = 2, verdict = 3, wait = 4 };

/// Each function encodes one whole frame to the start of `out` and returns its length in bytes. After an error the
/// contents of `out` are unspecified.
std::expected<std::size_t, WireError> encode(const OpenRequest& request, std::span<std::byte> out) noexcept;
std::expected<std::size_t, WireError> encode(const CloseRequest& request, std::span<std::byte> out) noexcept;
std::expected<std::size_t, WireError> encode(const Verdict& verdict, std::span<std::byte> out) noexcept;
std::expected<std::size_t, WireError> encode(const Wait& wait, std::span<std::byte> out) noexcept;

/// Returns the kind of a frame. Checks only its header (magic, version and length).
std::expected<Kind, WireError> kind_of(std::span<const std::byte> frame) noexcept;

/// Each function decodes one whole frame of its kind and checks every bound. Unknown fields are ignored.
std::expected<OpenRequest, WireError> decode_open(std::span<const std::byte> frame) noexcept;
std::expected<CloseRequest, WireError> decode_close(std::span<const std::byte> frame) noexcept;
std::expected<Verdict, WireError> decode_verdict(std::span<const std::byte> frame) noexcept;
std::expected<Wait, WireError> decode_wait(std::span<const std::byte> frame) noexcept;

/// Returns a short description of the error for a log, such as "truncated frame".
std::string_view describe(WireError error) noexcept;

} // namespace sesslimit::wire
