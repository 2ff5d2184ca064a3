// SPDX-License-Identifier: MIT
#include "tests/module/fake_daemon.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>

namespace sesslimit::test {
namespace {

[[noreturn]] void throw_errno(const char* doing) {
    throw std::system_error(errno, std::generic_category(), doing);
}

void wait_for(int milliseconds) noexcept {
    timespec left{.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1'000'000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

} // namespace

TempDir::TempDir() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/sesslimit.XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) {
        throw_errno("mkdtemp");
    }
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Step answers(std::string frame) {
    return {.answer = std::move(frame)};
}

Step answers(const wire::Verdict& verdict) {
    return answers(frame_of(verdict));
}

Step admits(std::uint64_t session) {
    return answers(wire::Verdict{.outcome = wire::Outcome::admitted, .session = session, .text = {}});
}

Step answers_without_reading(const wire::Verdict& verdict) {
    return {.read = false, .answer = frame_of(verdict)};
}

Step dies_before_reading() {
    return {.read = false, .answer = {}};
}

Step dies_after_reading() {
    return {.answer = {}};
}

Step stalls() {
    return {.answer = {}, .close = false};
}

namespace {

template <class Frame>
std::string bytes_of(const Frame& frame) {
    std::vector<std::byte> bytes(wire::max_frame);
    const auto length = wire::encode(frame, bytes);
    if (!length) {
        throw std::logic_error("a frame that cannot be encoded");
    }
    return {reinterpret_cast<const char*>(bytes.data()), *length};
}

} // namespace

std::string frame_of(const wire::Verdict& verdict) {
    return bytes_of(verdict);
}

std::string frame_of(const wire::Wait& wait) {
    return bytes_of(wait);
}

UniqueFd listen_at(const std::string& path, int backlog) {
    UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (!listener || bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener.get(), backlog) != 0) {
        throw_errno("listen");
    }
    return listener;
}

FakeDaemon::FakeDaemon(const std::vector<Step>& steps) : socket_(dir_.file("socket")) {
    void* shared = mmap(nullptr, sizeof(Record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        throw_errno("mmap");
    }
    record_ = new (shared) Record;
    const UniqueFd listener = listen_at(socket_, 16);
    child_ = fork();
    if (child_ < 0) {
        throw_errno("fork");
    }
    if (child_ == 0) {
        serve(listener.get(), steps);
    }
}

FakeDaemon::~FakeDaemon() {
    if (child_ > 0) {
        kill(child_, SIGKILL);
        while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    munmap(record_, sizeof(Record));
}

std::span<const std::byte> FakeDaemon::frame(std::size_t index) const noexcept {
    if (index >= frames()) {
        return {};
    }
    const Frame& kept = record_->kept[index];
    return std::span(kept.bytes).first(kept.size);
}

void FakeDaemon::take(int connection) noexcept {
    const std::size_t index = record_->frames;
    if (index == record_->kept.size()) {
        return;
    }
    Frame& frame = record_->kept[index];
    const ssize_t got = recv(connection, frame.bytes.data(), frame.bytes.size(), 0);
    frame.size = got > 0 ? static_cast<std::size_t>(got) : 0;
    record_->frames = index + 1;
}

void FakeDaemon::serve(int listener, const std::vector<Step>& steps) noexcept {
    // A failed assert bypasses the destructor that would kill this process.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) {
            _exit(1);
        }
        const Step& step = steps[std::min<std::size_t>(record_->connections, steps.size() - 1)];
        ++record_->connections;
        if (step.read) {
            take(connection);
        }
        if (!step.first.empty()) {
            (void)send(connection, step.first.data(), step.first.size(), MSG_NOSIGNAL);
        }
        wait_for(step.delay_ms);
        if (!step.answer.empty()) {
            (void)send(connection, step.answer.data(), step.answer.size(), MSG_NOSIGNAL);
        }
        if (step.close) {
            close(connection);
        }
    }
}

} // namespace sesslimit::test
