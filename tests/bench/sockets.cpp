// SPDX-License-Identifier: MIT
// usage: bench_sockets SOCKETS GROUPS ROUNDS
//
// Creates TCP sockets in control groups, in a network namespace of its own. Then samples the connections of one session
// per group in rounds, as the daemon does: with a list of all sockets, a look-up of each ssh connection, and a decision
// of the core. Each connection carries a keepalive per round. A loop that only receives the list is the baseline.
// Prints {"round": [...], "longest_turn": [...], "loop": [...]}, which are CPU times in milliseconds. Needs root.
#include "common/unique_fd.hpp"
#include "daemon/core/decide.hpp"
#include "daemon/core/state.hpp"
#include "daemon/inspect/activity_probe.hpp"
#include "daemon/inspect/socket_list.hpp"
#include "daemon/inspect/tcp_activity.hpp"
#include "daemon/monitor/socket_list_reader.hpp"
#include "tests/unit/support/control_group.hpp"

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

using namespace sesslimit;

namespace {

/// Number of processes among which the sockets are divided, because each may open only some thousand descriptors.
constexpr int holders = 4;

[[noreturn]] void die(const char* action) {
    std::fprintf(stderr, "%s: %s\n", action, std::strerror(errno));
    std::exit(1);
}

void check(bool holds, const char* action) {
    if (!holds) {
        die(action);
    }
}

double cpu_ms() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

/// Moves this process to a network namespace that contains only a loopback interface.
void enter_empty_network() {
    check(unshare(CLONE_NEWNET) == 0, "create a network namespace");
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    check(ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0, "activate the loopback interface");
}

std::filesystem::path group_path(const std::filesystem::path& parent, int number) {
    return parent / std::to_string(number);
}

sockaddr_in loopback() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// Establishes connections within this process. The descriptors stay open.
void connect_often(int count) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback();
    socklen_t size = sizeof address;
    auto* const place = reinterpret_cast<sockaddr*>(&address);
    check(bind(listener, place, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, place, &size) == 0,
          "listen");
    for (int at = 0; at < count; ++at) {
        const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        check(connect(client, place, size) == 0 && accept(listener, nullptr, nullptr) >= 0, "connect");
    }
    close(listener);
}

/// Child processes that hold the sockets of all groups.
class Holders {
  public:
    Holders(const std::filesystem::path& parent, int sockets, int groups) {
        int ends[2];
        check(pipe(ends) == 0, "create a pipe");
        for (int number = 0; number < holders; ++number) {
            children_.push_back(fork());
            if (children_.back() == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (int group = number; group < groups; group += holders) {
                    check(test::enter(group_path(parent, group)), "enter a control group");
                    connect_often(sockets / groups / 2);
                }
                check(test::enter(parent) && write(ends[1], "", 1) == 1, "report");
                while (true) {
                    pause();
                }
            }
        }
        close(ends[1]);
        for (int number = 0; number < holders; ++number) {
            char ready = 0;
            check(read(ends[0], &ready, 1) == 1, "create the sockets");
        }
        close(ends[0]);
    }
    ~Holders() {
        for (const pid_t child : children_) {
            kill(child, SIGKILL);
            waitpid(child, nullptr, 0);
        }
    }
    Holders(const Holders&) = delete;
    Holders& operator=(const Holders&) = delete;

  private:
    std::vector<pid_t> children_;
};

/// The control groups, which are removed with the object.
class Groups {
  public:
    Groups(const std::filesystem::path& parent, int count) : parent_(parent) {
        for (int number = 0; number < count; ++number) {
            check(mkdir(group_path(parent_, number).c_str(), 0755) == 0, "create a control group");
            ids_.push_back(test::id_of(group_path(parent_, number)));
        }
    }
    ~Groups() {
        for (std::size_t number = 0; number < ids_.size(); ++number) {
            rmdir(group_path(parent_, static_cast<int>(number)).c_str());
        }
    }
    Groups(const Groups&) = delete;
    Groups& operator=(const Groups&) = delete;
    [[nodiscard]] const std::vector<ino_t>& ids() const { return ids_; }

  private:
    std::filesystem::path parent_;
    std::vector<ino_t> ids_;
};

/// TCP connections of this process, which stand for ssh connections.
class SshConnections {
  public:
    explicit SshConnections(std::size_t count) {
        const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address = loopback();
        socklen_t size = sizeof address;
        auto* const place = reinterpret_cast<sockaddr*>(&address);
        check(bind(listener.get(), place, size) == 0 && listen(listener.get(), 16) == 0 &&
                  getsockname(listener.get(), place, &size) == 0,
              "listen");
        for (std::size_t at = 0; at < count; ++at) {
            const UniqueFd& client = sockets_.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_in own = loopback();
            check(connect(client.get(), place, size) == 0 &&
                      getsockname(client.get(), reinterpret_cast<sockaddr*>(&own), &size) == 0,
                  "connect");
            sockets_.emplace_back(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
            texts_.push_back("127.0.0.1 " + std::to_string(ntohs(own.sin_port)) + " 127.0.0.1 " +
                             std::to_string(ntohs(address.sin_port)));
        }
    }
    /// Returns the variable SSH_CONNECTION of each.
    [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

  private:
    std::vector<UniqueFd> sockets_;
    std::vector<std::string> texts_;
};

struct Round {
    double total = 0;
    double longest_turn = 0;
};

/// The parts of the daemon that sample connections, with a session without a terminal for each control group.
class Sampler {
  public:
    Sampler(const std::vector<ino_t>& groups, const std::vector<std::string>& connections) : groups_(groups) {
        for (std::size_t at = 0; at < groups.size(); ++at) {
            core::Session session;
            session.key = SessionKey{at + 1};
            session.phase = core::Phase::active;
            session.terminal = core::Terminal::none;
            session.login.uid = 1000;
            session.login.service = "sshd";
            session.login.connection = connections[at];
            session.logind_id = std::to_string(at);
            session.opened = session.admitted = session.last_input = now_;
            session.idle_timeout = session.idle_timeout_no_terminal = 1000 * period;
            state_.put(session);
        }
    }

    /// Samples each session once. `sockets` is the number of sockets in all groups.
    Round round(std::size_t sockets) {
        now_ += period;
        ++keepalives_;
        std::size_t answers = 0;
        std::size_t found = 0;
        Round round;
        const double began = cpu_ms();
        for (std::size_t at = 0; at < groups_.size(); ++at) {
            (void)reader_.request(groups_[at], [&, at](const monitor::GroupSockets& result) {
                ++answers;
                found += result.sockets.size();
                check(result.coverage == monitor::GroupSockets::Coverage::complete, "read the whole list");
                decide_about(SessionKey{at + 1}, result);
            });
        }
        while (answers < groups_.size()) {
            const double before = cpu_ms();
            check(sd_event_run(loop_.get(), UINT64_MAX) >= 0, "run the event loop");
            round.longest_turn = std::max(round.longest_turn, cpu_ms() - before);
        }
        round.total = cpu_ms() - began;
        if (found != sockets) {
            std::fprintf(stderr, "found %zu of %zu sockets\n", found, sockets);
            std::exit(1);
        }
        return round;
    }

  private:
    static constexpr Duration period = std::chrono::seconds(30);

    void decide_about(SessionKey key, const monitor::GroupSockets& result) {
        core::TrafficSample sample;
        sample.sockets.emplace();
        for (const inspect::Traffic& traffic : result.sockets) {
            sample.sockets->push_back(inspect::socket_sample_of(traffic, now_));
        }
        const auto connection = connections_.traffic_of(state_.at(key).login.connection);
        check(connection.has_value(), "find the ssh connection");
        sample.connection = inspect::socket_sample_of(*connection, now_);
        sample.connection->segments_in += keepalives_;
        sample.connection->segments_out += keepalives_;
        sample.connection->bytes_in += 52 * keepalives_;
        sample.connection->bytes_out += 28 * keepalives_;
        sample.connection->last_in = sample.connection->last_out = now_ - period / 2;
        apply(state_, decide(policy_, state_, core::TrafficSampled{key, std::move(sample)}, now_));
    }

    std::vector<ino_t> groups_;
    EventLoop loop_ = make_event_loop().value();
    inspect::Connections connections_{inspect::SockDiag::socket_here()};
    monitor::SocketListReader reader_{loop_.get(), connections_.sock_diag()};
    policy::Policy policy_;
    core::State state_;
    BootTime now_{period};
    std::uint64_t keepalives_ = 0;
};

double read_with_loop() {
    const UniqueFd socket = inspect::SockDiag::socket_here();
    auto request = inspect::socket_list_request();
    request.header.nlmsg_len = sizeof request;
    const auto buffer = std::make_unique<inspect::PartBuffer>();
    const double began = cpu_ms();
    check(send(socket.get(), &request, sizeof request, 0) == sizeof request, "request the list");
    nlmsghdr header{};
    while (header.nlmsg_type != NLMSG_DONE) {
        check(recv(socket.get(), buffer->data(), buffer->size(), 0) >= static_cast<ssize_t>(sizeof header), "receive");
        std::memcpy(&header, buffer->data(), sizeof header);
    }
    return cpu_ms() - began;
}

std::string list_of(const std::vector<double>& values) {
    std::string text;
    for (const double value : values) {
        text += (text.empty() ? "" : ", ") + std::to_string(value);
    }
    return "[" + text + "]";
}

void run(int sockets, int groups, int rounds) {
    rlimit files{};
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    enter_empty_network();
    const auto own = test::own_group();
    check(own.has_value(), "find the control group of this process");
    const test::TemporaryGroup parent(*own);
    check(!parent.path().empty(), "create a control group");
    const Groups all(parent.path(), groups);
    const int in_groups = sockets - 2 * groups; // the others are those of the ssh connections
    const Holders holding(parent.path(), in_groups, groups);
    const SshConnections connections(all.ids().size());
    Sampler sampler(all.ids(), connections.texts());
    for (std::size_t round = 0; round < core::TrafficHistory::max_steps; ++round) {
        (void)sampler.round(static_cast<std::size_t>(in_groups)); // the histories become as long as they can
    }
    std::vector<double> total;
    std::vector<double> longest;
    std::vector<double> loop;
    for (int round = 0; round < rounds; ++round) {
        const Round ours = sampler.round(static_cast<std::size_t>(in_groups));
        total.push_back(ours.total);
        longest.push_back(ours.longest_turn);
        loop.push_back(read_with_loop());
    }
    std::printf(R"({"round": %s, "longest_turn": %s, "loop": %s})"
                "\n",
                list_of(total).c_str(), list_of(longest).c_str(), list_of(loop).c_str());
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: %s SOCKETS GROUPS ROUNDS\n", argv[0]);
        return 2;
    }
    run(std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3]));
    return 0;
}
