// SPDX-License-Identifier: MIT
#include "daemon/inspect/socket_list.hpp"

#include "tests/unit/support/cmocka.hpp"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cerrno>
#include <span>

namespace {

using namespace sesslimit;
using namespace std::chrono_literals;
using inspect::SocketListPart;
using Status = inspect::SocketListPart::Status;

constexpr std::uint32_t sequence = 7;

/// A part of the kernel's list, assembled by hand.
class Part {
  public:
    template <class Value>
    Part& add(const Value& value) {
        const auto from = std::as_bytes(std::span(&value, 1));
        bytes_.insert(bytes_.end(), from.begin(), from.end());
        bytes_.resize((bytes_.size() + 3) / 4 * 4);
        return *this;
    }
    Part& begin(std::uint16_t type, std::uint16_t flags = NLM_F_MULTI, std::uint32_t number = sequence) {
        start_ = bytes_.size();
        return add(
            nlmsghdr{.nlmsg_len = 0, .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = number, .nlmsg_pid = 0});
    }
    Part& end(int longer = 0) {
        const auto length = static_cast<std::uint32_t>(static_cast<int>(bytes_.size() - start_) + longer);
        std::memcpy(bytes_.data() + start_, &length, sizeof length);
        return *this;
    }
    template <class Value>
    Part& attribute(std::uint16_t type, const Value& value) {
        return add(nlattr{.nla_len = sizeof(nlattr) + sizeof value, .nla_type = type}).add(value);
    }
    /// Adds a socket. 0: the attribute of the control group is missing.
    Part& socket(std::uint64_t cgroup, std::uint32_t cookie, bool has_info = true, std::uint16_t flags = NLM_F_MULTI) {
        inspect_.id.idiag_cookie[0] = cookie;
        tcp_info info{};
        info.tcpi_bytes_received = 10;
        info.tcpi_bytes_sent = 21;
        info.tcpi_bytes_retrans = 10;
        info.tcpi_data_segs_in = 12;
        info.tcpi_data_segs_out = 18;
        info.tcpi_total_retrans = 5;
        info.tcpi_last_data_recv = 14;
        info.tcpi_last_data_sent = 15;
        begin(TCPDIAG_GETSOCK, flags).add(inspect_).attribute(INET_DIAG_SHUTDOWN, std::uint8_t{0});
        if (cgroup != 0) {
            attribute(INET_DIAG_CGROUP_ID, Unaligned{cgroup});
        }
        if (has_info) {
            attribute(INET_DIAG_INFO, info);
        }
        return end();
    }
    Part& done(int error = 0) { return begin(NLMSG_DONE).add(error).end(); }
    Part& error(int error) { return begin(NLMSG_ERROR, 0).add(nlmsgerr{.error = error, .msg = {}}).end(); }

    [[nodiscard]] SocketListPart parse() const { return inspect::parse_socket_list_part(bytes_, sequence); }
    [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

  private:
    using Unaligned = std::uint64_t;
    inet_diag_msg inspect_{};
    std::vector<std::byte> bytes_;
    std::size_t start_ = 0;
};

SESSLIMIT_TEST(sockets_of_part_parsed) {
    const auto part = Part().socket(5, 1).socket(6, 2, false).socket(7, 3).parse();
    EXPECT(part.status == Status::continues && part.count == 3, "a socket without traffic is counted");
    inspect::Traffic traffic{.bytes_in = 10,
                             .bytes_out = 11,
                             .segments_in = 12,
                             .segments_out = 13,
                             .since_in = 14ms,
                             .since_out = 15ms,
                             .cookie = 1};
    EXPECT(part.sockets.size() == 2 && part.sockets[0] == inspect::ListedSocket(5, traffic), "first");
    traffic.cookie = 3;
    EXPECT(part.sockets[1] == inspect::ListedSocket(7, traffic), "last");

    const auto last = Part().socket(5, 1).done().parse();
    EXPECT(last.status == Status::ends && last.sockets.size() == 1, "the last part");
    EXPECT(Part().done().parse().status == Status::ends, "no socket");
    EXPECT(Part().done().socket(5, 1).parse().sockets.empty(), "bytes after the end are ignored");
}

SESSLIMIT_TEST(failures_of_list_distinguished) {
    const std::pair<const char*, std::pair<SocketListPart, Status>> cases[] = {
        {"without the control group", {Part().socket(0, 1).parse(), Status::unavailable}},
        {"without any data", {Part().socket(0, 1, false).parse(), Status::continues}},
        {"no tcp_diag", {Part().error(-ENOENT).parse(), Status::unavailable}},
        {"denied", {Part().error(-EACCES).parse(), Status::unavailable}},
        {"another list", {Part().error(-EBUSY).parse(), Status::fails}},
        {"out of memory", {Part().error(-ENOMEM).parse(), Status::fails}},
        {"acknowledgment", {Part().error(0).parse(), Status::fails}},
        {"failure in the list", {Part().socket(5, 1).done(-ENOBUFS).parse(), Status::fails}},
        {"the list was changed", {Part().socket(5, 1, true, NLM_F_MULTI | NLM_F_DUMP_INTR).parse(), Status::fails}},
        {"empty", {Part().parse(), Status::fails}},
        {"other type", {Part().begin(NLMSG_NOOP).end().parse(), Status::fails}},
        {"other request", {Part().begin(NLMSG_DONE, 0, sequence + 1).add(0).end().parse(), Status::fails}},
        {"other request later", {Part().socket(5, 1).begin(NLMSG_DONE, 0, 1).add(0).end().parse(), Status::fails}},
        {"end without status", {Part().begin(NLMSG_DONE).end().parse(), Status::fails}},
        {"socket without data", {Part().begin(TCPDIAG_GETSOCK).add(0).end().parse(), Status::fails}},
        {"longer than the part", {Part().begin(NLMSG_DONE).add(0).end(1).parse(), Status::fails}},
        {"shorter than the header", {Part().begin(NLMSG_DONE).add(0).end(-5).parse(), Status::fails}},
    };
    for (const auto& [name, result] : cases) {
        EXPECT(result.first.status == result.second, name);
        EXPECT(result.first.sockets.empty(), name);
    }
}

SESSLIMIT_TEST(truncated_part_fails) {
    Part part;
    const std::vector<std::byte> whole = part.socket(5, 1).socket(5, 2).bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto read = inspect::parse_socket_list_part(std::span(whole).first(size), sequence);
        EXPECT(read.status == Status::fails || size == whole.size() / 2, std::to_string(size));
    }
}

} // namespace
