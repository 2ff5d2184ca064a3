# SPDX-License-Identifier: MIT
"""Counters of TCP sockets, read through sock_diag(7)."""
import socket
import struct
from collections import namedtuple

SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, NLM_F_DUMP, NLMSG_DONE, NLMSG_ERROR = 20, 0x1, 0x300, 3, 2
ESTABLISHED = 1
INET_DIAG_INFO = 2
HEADER, REQUEST, MESSAGE = 16, "=BBBBI", 72

# Payload without retransmissions, in bytes and segments, and the times since the last payload in milliseconds.
Counters = namedtuple("Counters", "bytes_out segments_out bytes_in segments_in since_out since_in")


def ask(request, flags):
    """Sends a request about IPv4 connections, and yields the bodies of the replies."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 4) as netlink:
        netlink.settimeout(5)
        netlink.send(struct.pack("=IHHII", HEADER + len(request), SOCK_DIAG_BY_FAMILY, flags, 1, 0) + request)
        while True:
            data = netlink.recv(1 << 18)
            while data:
                size, kind = struct.unpack_from("=IH", data)
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    return
                yield data[HEADER:size]
                data = data[(size + 3) & ~3:]
            if flags == NLM_F_REQUEST:
                return


def established():
    """Returns the established IPv4 connections as {(source port, destination port): socket ID}."""
    request = struct.pack(REQUEST, socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << ESTABLISHED) + bytes(48)
    found = {}
    for body in ask(request, NLM_F_REQUEST | NLM_F_DUMP):
        socket_id = body[4:52]
        found[struct.unpack("!HH", socket_id[:4])] = socket_id
    return found


def parse_info(info):
    """Returns the counters of struct tcp_info (linux/tcp.h). Requires Linux 4.19."""
    last_sent, _, last_received = struct.unpack_from("=III", info, 44)
    retransmitted, = struct.unpack_from("=I", info, 100)
    received, = struct.unpack_from("=Q", info, 128)
    segments_in, segments_out = struct.unpack_from("=II", info, 152)
    sent, sent_again = struct.unpack_from("=QQ", info, 200)
    return Counters(sent - sent_again, segments_out - retransmitted, received, segments_in, last_sent, last_received)


def counters_of(socket_id):
    """Returns the counters of a connection, or None if it has ended."""
    request = struct.pack(REQUEST, socket.AF_INET, socket.IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1), 0,
                          1 << ESTABLISHED) + socket_id
    for body in ask(request, NLM_F_REQUEST):
        attributes = body[MESSAGE:]
        while len(attributes) >= 4:
            size, kind = struct.unpack_from("=HH", attributes)
            if kind == INET_DIAG_INFO:
                return parse_info(attributes[4:size])
            attributes = attributes[(size + 3) & ~3:]
    return None
