// SPDX-License-Identifier: MIT
// Baseline for the daemon: the minimum work of a server on a SOCK_SEQPACKET socket for a request. It accepts, receives,
// sends a frame as long as the daemon's answer, and closes. It does not decode the request.
// usage: bench_echo SOCKET [identify]
//   identify: also asks the kernel for the peer's identity, as the daemon must before its answer. This is the minimum
//   for a server that records the owner of each session.
#include "common/protocol.hpp"
#include "common/unique_fd.hpp"

#include "daemon/pam_server/request.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

using namespace sesslimit;

namespace {

/// A close frame consists of a header and a number. Longer frames are open requests.
constexpr ssize_t max_close_time = 32;

int run(const char* path, bool identify) {
    std::array<std::byte, 64> admitted{};
    std::array<std::byte, 64> noted{};
    const auto admitted_size = wire::encode(wire::Verdict{wire::Outcome::admitted, 1, {}}, admitted);
    const auto noted_size = wire::encode(wire::Verdict{wire::Outcome::noted, 0, {}}, noted);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    unlink(path);
    const UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!admitted_size || !noted_size ||
        bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
        listen(listener.get(), SOMAXCONN) < 0) {
        std::perror(path);
        return 1;
    }
    std::puts("ready");
    std::fflush(stdout);
    std::array<std::byte, wire::max_frame> frame{};
    for (;;) {
        const UniqueFd peer(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        const ssize_t size = recv(peer.get(), frame.data(), frame.size(), 0);
        if (identify && !pam_server::peer_of(peer.get())) {
            return 1;
        }
        if (size > max_close_time) {
            (void)send(peer.get(), admitted.data(), *admitted_size, MSG_NOSIGNAL);
        } else if (size > 0) {
            (void)send(peer.get(), noted.data(), *noted_size, MSG_NOSIGNAL);
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    return argc < 2 ? 2 : run(argv[1], argc > 2);
}
