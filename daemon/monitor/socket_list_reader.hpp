// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/inspect/sock_diag.hpp"
#include "daemon/inspect/socket_list.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

namespace sesslimit::monitor {

/// TCP sockets of a control group.
struct GroupSockets {
    enum class Coverage : std::uint8_t {
        /// The list contains the sockets that existed during the whole reading. The kernel can omit a socket if another
        /// socket in the same bucket of its hash table was closed at the same time.
        complete,
        /// Sockets can be missing, because the network namespace has too many sockets or a part of the list was lost.
        /// The caller must not conclude that the session is idle.
        incomplete,
        /// The host does not provide the list (SocketListPart::Status::unavailable), or has no sock_diag socket. This
        /// does not change until the kernel or the policy of SELinux changes. The caller must ignore this source of
        /// activity. It would otherwise never find an idle session on this host.
        unavailable,
    };
    Coverage coverage = Coverage::incomplete;
    /// The sockets that were created in the control group, and those accepted by its listening sockets, in the order of
    /// the kernel. Empty if the list is unavailable.
    std::vector<inspect::Traffic> sockets;
};

/// Reader of the TCP sockets of control groups. One list of all sockets answers the requests for any number of control
/// groups. The list is read in turns of the event loop, with at most `parts_per_turn` parts of at most
/// `inspect::max_part_length` bytes in each. Only one list is read at a time.
///
/// A list of 20,000 sockets is 8 MB. The kernel needs about 1 microsecond of CPU time for each socket. It would need
/// more to filter the sockets of 250 control groups. With a filter that matches few sockets, it would also inspect all
/// of them in one call.
class SocketListReader {
  public:
    /// Default of the maximum number of sockets in a list that is read. If the kernel lists more, the result is
    /// incomplete.
    static constexpr std::size_t default_max_sockets = 20'000;

    /// Maximum number of parts, or of messages left by an earlier list, that are read in a turn of the event loop. A
    /// part contains about 80 sockets in Linux 6.18.
    static constexpr int parts_per_turn = 16;

    /// Maximum number of receivers that are called in a turn of the event loop.
    static constexpr std::size_t receivers_per_turn = 64;

    /// Function that gets the sockets of a control group.
    using Receiver = std::function<void(const GroupSockets&)>;

    /// Lifetime: `loop` and `socket` must outlive the reader. Only one reader may use a socket.
    SocketListReader(sd_event* loop, inspect::SockDiag& socket, std::size_t max_sockets = default_max_sockets);
    SocketListReader(const SocketListReader&) = delete;
    SocketListReader& operator=(const SocketListReader&) = delete;
    ~SocketListReader();

    /// Requests the TCP sockets of a control group in the network namespace of the socket. `cgroup` is the ID of the
    /// control group, which is the inode number of its directory. Sockets of child groups are not included: the scopes
    /// of sessions have no child groups, because logind does not delegate them. The requests of a turn of the event
    /// loop are answered from the same list. A request during the reading of a list is answered from the next one.
    ///
    /// The event loop calls `receiver` once, and never within this function. The times since the last data are relative
    /// to that call, and exact to about 10 ms. The counters can be older, by the time for which the list was read.
    /// `receiver` may call request(). Receivers are discarded if the reader is destroyed.
    ///
    /// Errors: out of memory. `receiver` is then not called.
    Result<> request(ino_t cgroup, Receiver receiver);

  private:
    enum class Step : std::uint8_t { begin, discard, read, deliver };
    struct Request {
        std::uint64_t cgroup;
        Receiver receiver;
    };

    void turn();
    void make_step();
    void begin();
    void discard();
    void read();
    void add(inspect::Bytes part);
    void store(const inspect::SocketListPart& part);
    void finish(GroupSockets::Coverage coverage);
    void deliver();
    void answer(const Request& request);

    inspect::SockDiag& socket_;
    std::size_t max_sockets_;
    Timer next_turn_;
    Step step_ = Step::begin;
    std::vector<Request> waiting_; ///< requests for the next list
    std::vector<Request> current_; ///< requests for the list that is being read
    std::size_t answered_ = 0;     ///< number of answered requests in `current_`
    std::uint32_t sequence_ = 0;   ///< sequence number of the request for the list
    std::size_t count_ = 0;        ///< number of sockets that were read
    int discarded_ = 0;            ///< number of messages that were discarded before the list
    GroupSockets::Coverage coverage_ = GroupSockets::Coverage::incomplete;
    MonotonicTime began_{};
    /// Time at which the kernel created the next part, which is the time of the last recv() or of the request.
    MonotonicTime created_{};
    /// Sockets of the control groups in `current_`. The times since the last data are relative to `began_`, and can be
    /// negative.
    std::unordered_map<std::uint64_t, std::vector<inspect::Traffic>> found_;
};

} // namespace sesslimit::monitor
