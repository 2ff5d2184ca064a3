// SPDX-License-Identifier: MIT
#include "daemon/listen_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace sesslimit {

Result<UniqueFd> listen_at(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t size = std::strlen(path);
    if (size == 0 || size >= sizeof address.sun_path) {
        return fail(std::string("socket path is empty or too long: ") + path);
    }
    std::memcpy(address.sun_path, path, size);
    UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener) {
        return fail_errno("create a socket");
    }
    if (unlink(path) < 0 && errno != ENOENT) {
        return fail_errno(std::string("remove ") + path);
    }
    // No client can connect before listen(), so the mode is set before the first connection.
    if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
        chmod(path, S_IRUSR | S_IWUSR) < 0 || listen(listener.get(), SOMAXCONN) < 0) {
        return fail_errno(std::string("listen on ") + path);
    }
    return listener;
}

} // namespace sesslimit
