// SPDX-License-Identifier: MIT
#include "daemon/output/journal.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace sesslimit::output {
namespace {

/// Writes a message to standard error. Used if journald is not running.
void say(const std::string& message) {
    std::fprintf(stderr, "sesslimitd: %s\n", message.c_str());
}

std::string loss_message(std::size_t lost) {
    return std::to_string(lost) + " journal entries were lost because systemd-journald did not accept them.";
}

/// Returns true if the error of a socket call means that no process listens to the socket, or no longer listens.
bool is_gone(int error) {
    return error == ECONNREFUSED || error == ECONNRESET || error == ENOTCONN || error == EPIPE;
}

} // namespace

std::string native_entry(const messages::JournalEntry& entry) {
    std::string text;
    text.reserve(1024);                       // most entries are shorter
    text += "SYSLOG_IDENTIFIER=sesslimitd\n"; // libsystemd adds the same field
    for (const auto& [name, value] : entry) {
        text += name;
        if (value.find('\n') == std::string::npos) {
            text += '=';
        } else {
            text += '\n';
            for (unsigned shift = 0; shift < 64; shift += 8) { // little endian
                text += static_cast<char>(std::uint64_t{value.size()} >> shift & 0xffU);
            }
        }
        text += value;
        text += '\n';
    }
    return text;
}

Journal::Journal(sd_event* loop, std::string path) : loop_(loop), path_(std::move(path)) {}

void Journal::log(const messages::JournalEntry& entry) {
    Kept told{.datagram = native_entry(entry), .message = entry.empty() ? "" : entry.front().second};
    if (!queued_.empty()) {
        return keep(std::move(told)); // entries are written in order
    }
    const auto sent = send(told.datagram);
    if (!sent && sent.error().code == EAGAIN) {
        keep(std::move(told));
    } else if (!sent) {
        say(told.message);
    }
}

void Journal::log(Priority priority, std::string_view message, std::string_view message_id, std::string_view event) {
    messages::JournalEntry entry{{"MESSAGE", std::string(message)},
                                 {"PRIORITY", std::to_string(static_cast<int>(priority))}};
    if (!message_id.empty()) {
        entry.emplace_back("MESSAGE_ID", std::string(message_id));
    }
    if (!event.empty()) {
        entry.emplace_back("SESSLIMIT_EVENT", std::string(event));
    }
    log(entry);
}

void Journal::finish(Duration within) {
    const MonotonicTime end = monotonic_now() + within;
    for (send_kept(); !queued_.empty(); send_kept()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - monotonic_now()).count();
        pollfd takes{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
        if (left <= 0 || poll(&takes, 1, static_cast<int>(left)) <= 0) {
            break;
        }
    }
    if (const std::size_t lost = lost_ + queued_.size(); lost > 0) {
        say(loss_message(lost));
    }
}

void Journal::send_when_writable() {
    send_kept();
    watch();
    if (queued_.empty() && lost_ > 0) {
        log(Priority::warning, loss_message(std::exchange(lost_, 0)));
    }
}

Result<> Journal::connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) {
        return fail("path of the journal socket is too long", ENAMETOOLONG);
    }
    std::ranges::copy(path_, address.sun_path);
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        return fail_errno("connect to the journal");
    }
    socket_ = std::move(socket);
    return {};
}

Result<> Journal::send(std::string_view datagram) {
    const bool was_connected = static_cast<bool>(socket_);
    if (!was_connected) {
        if (auto connected = connect(); !connected) {
            return connected;
        }
    }
    if (::send(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0) {
        return {};
    }
    const int error = errno;
    if (is_gone(error)) {
        writable_.reset(); // the event source is removed before its descriptor is closed
        socket_.reset();
        // If the connection to journald is lost, the entry is sent again, because a new instance of journald may be
        // listening.
        return was_connected ? send(datagram) : fail_errno("reach the journal", error);
    }
    return fail_errno("write to the journal", error);
}

/// Sends the queued journal entries until the queue is empty or journald does not accept more entries.
void Journal::send_kept() {
    while (!queued_.empty()) {
        const auto sent = send(queued_.front().datagram);
        if (!sent && sent.error().code == EAGAIN) {
            return;
        }
        if (!sent) {
            say(queued_.front().message);
        }
        queued_.pop_front();
    }
}

void Journal::keep(Kept entry) {
    if (queued_.size() >= max_queued) {
        ++lost_;
    } else {
        queued_.push_back(std::move(entry));
    }
    watch();
}

/// Waits until journald accepts entries again, if entries are queued. If the wait fails because memory or descriptors
/// are exhausted, the next entry retries the wait.
void Journal::watch() {
    if (queued_.empty()) {
        return writable_.reset();
    }
    if (!writable_) {
        auto source = watch_descriptor(loop_, socket_.get(), EPOLLOUT, [this](std::uint32_t) { send_when_writable(); });
        writable_ = source ? *std::move(source) : EventSource();
    }
}

} // namespace sesslimit::output
