// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <string_view>

/// The protocol between the PAM module and the daemon, as specified in docs/protocol.md. Each message is one frame. The
/// functions do not allocate memory, throw or use descriptors. Decoding returns views into the frame. Encoding writes
/// into a buffer of the caller.
namespace sesslimit::wire {

inline constexpr std::uint16_t version = 1;
inline constexpr char default_socket[] = "/run/sesslimit.sock";

/// Upper bounds of the values in a message between the PAM module and the daemon, in bytes unless noted otherwise. The
/// module and the daemon reject a longer value and never truncate it silently.
inline constexpr std::size_t max_frame = 32768;
inline constexpr std::size_t max_user = 255; // LOGIN_NAME_MAX - 1
inline constexpr std::size_t max_service = 64;
inline constexpr std::size_t max_tty = 64;
// Maximum length of the remote host (PAM_RHOST) in bytes. RFC 1035 permits host names of at most 253 bytes, but some
// services provide longer texts as the remote host.
inline constexpr std::size_t max_host = 255;
inline constexpr std::size_t max_auth_info = 8192; // Enough for SSH_AUTH_INFO_0 with a large certificate.
inline constexpr std::size_t max_connection = 128; // Enough for the addresses in SSH_CONNECTION.
inline constexpr std::size_t max_seat = 64;
inline constexpr std::size_t max_gids = 4096; // groups, not bytes
inline constexpr std::size_t max_text = 4096;
inline constexpr std::uint32_t max_budget_ms = 3'600'000;
inline constexpr std::uint32_t max_wait_ms = 10'000;

/// The host name that replaces a remote host whose name exceeds max_host. Without it, the login would appear to come
/// from the local host. It cannot be a real name, because RFC 2606 reserves .invalid.
inline constexpr std::string_view too_long_host = "too-long.invalid";

/// The reasons why a frame, which is one message between the PAM module and the daemon, cannot be encoded or decoded.
enum class WireError {
    no_room,       ///< Error: the output buffer is too small for the frame.
    too_long,      ///< Error: the frame or a value in it exceeds its maximum length.
    truncated,     ///< Error: the frame ends inside its header or a field, or its length differs from the length in its
                   ///< header.
    not_ours,      ///< Error: the frame does not begin with the magic of this protocol.
    other_version, ///< Error: the frame has a different protocol version.
    unknown_kind,  ///< Error: the receiver does not accept a frame of this kind.
    bad_field,     ///< Error: a field has the wrong size, a value out of range, an empty string or a NUL byte.
    repeated,      ///< Error: a field occurs twice in the frame.
    missing,       ///< Error: a field that is mandatory for this kind of frame is missing.
};

/// A view of the list of group IDs in a frame of the protocol. The list may have any alignment. Lifetime: valid as long
/// as the bytes to which it refers.
class GidView {
  public:
    GidView() = default;
    /// Creates a view of the group IDs in `bytes`. The size of `bytes` must be a multiple of sizeof(gid_t).
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

/// The request to open a session, which the PAM module sends in pam_open_session. Texts are as PAM provides them and
/// may contain any bytes except NUL. An item that PAM does not have is an empty text. Lifetime: if decoded, the texts
/// and `gids` are views into the frame.
struct OpenRequest {
    std::string_view user;       ///< User name as the user database spells it (PAM_USER may differ), never empty.
    uid_t uid = 0;               ///< User ID, never (uid_t)-1.
    GidView gids;                ///< IDs of all groups of the user, including the primary group; never empty.
    bool gids_cut = false;       ///< True if the user is in more than max_gids groups, so that `gids` is incomplete.
    std::string_view service;    ///< PAM_SERVICE, never empty.
    std::string_view tty;        ///< PAM_TTY.
    std::string_view rhost;      ///< PAM_RHOST.
    std::string_view ruser;      ///< PAM_RUSER.
    std::string_view auth_info;  ///< SSH_AUTH_INFO_0 of sshd, the authentication methods that the user completed.
    std::string_view connection; ///< SSH_CONNECTION of sshd, with client address and port, server address and port.
    std::string_view seat;       ///< Name of the seat, such as "seat0"; empty if the login does not name its seat.
    bool nested = false;         ///< True if the login program already runs inside a session-*.scope of logind.
    std::uint32_t budget_ms = 0; ///< Time in milliseconds that the module waits for the verdict, 1 ms to 1 h.
};

/// The request to close a session, which the PAM module sends in pam_close_session. `session` is the number from the
/// verdict on the open request, or 0 if the module does not know the number.
struct CloseRequest {
    std::uint64_t session = 0;
};

/// The decision of the daemon about a request of the PAM module.
enum class Outcome : std::uint8_t {
    admitted = 1,  ///< Login admitted, and counted as a session of the user.
    uncounted = 2, ///< Login admitted, but not counted as a session of the user.
    denied = 3,    ///< Login denied for the reason in `text`. Without a text, the user is not shown the reason.
    failed = 4,    ///< Failure of the daemon to decide; the argument `on_error` of the PAM module applies.
    noted = 5,     ///< Reply to a close request.
};

/// The reply of the daemon to a request of the PAM module.
struct Verdict {
    Outcome outcome = Outcome::failed;
    std::uint64_t session = 0; ///< Number for the request to close the session; 0 if the outcome is not `admitted`.
    std::string_view text;     ///< Message for the user, one or more lines that are escaped for display; may be empty.
};

/// A reply that the daemon sends before the verdict, at most once. It announces that the verdict takes longer than the
/// time for which the PAM module would wait.
struct Wait {
    std::uint32_t more_ms = 0; ///< Milliseconds to wait after the receipt of this reply, 1 to max_wait_ms.
};

/// The kinds of frames.
enum class Kind : std::uint16_t { open = 1, close = 2, verdict = 3, wait = 4 };

/// The encode() functions write one whole frame of the protocol to the start of `out` and return its length in bytes.
/// After an error the contents of `out` are unspecified.
std::expected<std::size_t, WireError> encode(const OpenRequest& request, std::span<std::byte> out) noexcept;
std::expected<std::size_t, WireError> encode(const CloseRequest& request, std::span<std::byte> out) noexcept;
std::expected<std::size_t, WireError> encode(const Verdict& verdict, std::span<std::byte> out) noexcept;
std::expected<std::size_t, WireError> encode(const Wait& wait, std::span<std::byte> out) noexcept;

/// Returns the kind of a frame: open, close, verdict or wait. Checks only the header of the frame (magic, version,
/// length and kind).
std::expected<Kind, WireError> kind_of(std::span<const std::byte> frame) noexcept;

/// The decode functions, such as decode_open(), read one whole frame of the kind in their name. They check all bounds
/// and ignore unknown fields.
std::expected<OpenRequest, WireError> decode_open(std::span<const std::byte> frame) noexcept;
std::expected<CloseRequest, WireError> decode_close(std::span<const std::byte> frame) noexcept;
std::expected<Verdict, WireError> decode_verdict(std::span<const std::byte> frame) noexcept;
std::expected<Wait, WireError> decode_wait(std::span<const std::byte> frame) noexcept;

/// Returns a short description of a protocol error for a log, such as "truncated frame".
std::string_view describe(WireError error) noexcept;

} // namespace sesslimit::wire
