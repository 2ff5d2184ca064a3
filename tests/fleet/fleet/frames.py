# SPDX-License-Identifier: MIT
"""Frames of docs/fleet-protocol.md, and the connection of a daemon that sends them."""

import select
import socket
import struct
import time

HEADER = struct.Struct("=4sHHI")
FIELD = struct.Struct("=HH")
HELLO, CLAIM, LISTED, LIST_END, RELEASE, ENDED = range(1, 7)
ANSWER, STATE, OVER_LIMIT, REPAIRING, END = range(16, 21)
GRANTED, FULL, UNKNOWN = 1, 2, 3


def encode(kind, *fields, magic=b"SLFL", version=1):
    body = b"".join(FIELD.pack(tag, len(value)) + value for tag, value in fields)
    return HEADER.pack(magic, version, kind, len(body)) + body


def decode(packet):
    """Returns the kind of a frame, and its fields by their tags."""
    magic, version, kind, length = HEADER.unpack_from(packet)
    assert (magic, version, length) == (b"SLFL", 1, len(packet) - HEADER.size)
    fields, at = {}, HEADER.size
    while at < len(packet):
        tag, size = FIELD.unpack_from(packet, at)
        at += FIELD.size
        fields[tag] = packet[at:at + size]
        at += size
    return kind, fields


def number(size, value):
    return value.to_bytes(size, "little")


def session_fields(session, user, limit, since=1_700_000_000, service="sshd"):
    return [(1, number(8, session)), (2, user.encode()), (3, number(4, limit)), (4, number(8, since)),
            (5, service.encode())]


def claim_frame(session, user, limit, enforced=True, **options):
    return encode(CLAIM, *session_fields(session, user, limit, **options), (9, number(1, enforced)))


class Answer:
    """The answer to a claim: session, outcome, count and the names of the hosts that hold the slots."""

    def __init__(self, fields):
        self.session = int.from_bytes(fields[1], "little")
        self.outcome = fields[2][0]
        self.count = int.from_bytes(fields[3], "little")
        self.holders = []
        entries, at = fields.get(4, b""), 0
        while at < len(entries):
            length = entries[at + 8]
            self.holders.append(entries[at + 9:at + 9 + length].decode())
            at += 9 + length


class Daemon:
    """The connection of a daemon to sesslimit-fleetd. Received frames are kept until a test asks for them."""

    def __init__(self, path, listed=(), claims=(), policy="digest"):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.connect(str(path))
        self.answers, self.states, self.over_limit, self.repairing, self.orders = {}, [], [], [], []
        self.closed = False
        self.send(encode(HELLO, (1, policy.encode())))
        for session in listed:
            self.send(encode(LISTED, *session_fields(*session)))
        for session in claims:
            self.send(claim_frame(*session))
        self.send(encode(LIST_END))

    def send(self, packet):
        self._socket.send(packet)

    def claim(self, session, user, limit, **options):
        self.send(claim_frame(session, user, limit, **options))

    def release(self, session):
        self.send(encode(RELEASE, (1, number(8, session))))

    def ended(self, order, count):
        self.send(encode(ENDED, (1, number(8, order)), (2, number(4, count))))

    def close(self):
        self._socket.close()

    def end(self):
        """Closes the connection. Waits until sesslimit-fleetd has noticed it, which the closing of its own end shows."""
        self._socket.shutdown(socket.SHUT_WR)
        wait_for([self], lambda: self.closed, 5, "end of the connection")
        self.close()

    def fileno(self):
        return self._socket.fileno()

    def receive(self):
        """Handles one packet that has arrived."""
        try:
            packet = self._socket.recv(4096)
        except ConnectionResetError:
            packet = b""
        if not packet:
            self.closed = True
            return
        kind, fields = decode(packet)
        if kind == ANSWER:
            answer = Answer(fields)
            assert answer.session not in self.answers, "a second answer"
            self.answers[answer.session] = answer
        elif kind == STATE:
            self.states.append((bool(fields[1][0]), fields.get(2, b"").decode()))
        elif kind == OVER_LIMIT:
            self.over_limit.append(int.from_bytes(fields[1], "little"))
        elif kind == REPAIRING:
            self.repairing.append(int.from_bytes(fields[1], "little"))
        elif kind == END:
            self.orders.append((int.from_bytes(fields[1], "little"), fields[2][0],
                                *(fields.get(tag, b"").decode() for tag in (3, 4, 5))))

    @property
    def is_up(self):
        return bool(self.states) and self.states[-1][0]

    def ask(self, session, user, limit, timeout=5, **options):
        """Claims a slot. Returns the answer and the time that it needed."""
        began = time.monotonic()
        self.claim(session, user, limit, **options)
        wait_for([self], lambda: session in self.answers, timeout, f"an answer for session {session}")
        return self.answers[session], time.monotonic() - began


def wait_for(daemons, condition, timeout, what):
    """Receives frames until the condition is true. Fails after a number of seconds."""
    end = time.monotonic() + timeout
    while not condition():
        left = end - time.monotonic()
        assert left > 0, f"no {what} within {timeout} s"
        ready, _, _ = select.select([daemon for daemon in daemons if not daemon.closed], [], [], min(left, 0.05))
        for daemon in ready:
            daemon.receive()


class Rounds:
    """Rounds of claims. In each, another user claims slots for sessions on all daemons at once."""

    def __init__(self, daemons, logins, limit):
        self._daemons, self._logins, self._limit = daemons, logins, limit
        self._claims = {}  # the daemon of each session of the round
        self.count = 0
        self.longest = 0.0  # seconds from the first claim of a round to the last answer
        self.user = ""

    def claim(self, halfway=None):
        """Returns the numbers of claims that were granted, rejected because of the limit, and not decided."""
        first = 10 + self.count * self._logins
        self.user, self.count = f"round{self.count}", self.count + 1
        self._claims = {number: self._daemons[number % len(self._daemons)] for number in range(first, first + self._logins)}
        began = time.monotonic()
        for at, (number, daemon) in enumerate(self._claims.items()):
            daemon.claim(number, self.user, self._limit)
            if halfway and at == self._logins // 2:
                halfway()
        wait_for(self._daemons, self._is_answered, 10, f"answers for {self.user}")
        self.longest = max(self.longest, time.monotonic() - began)
        found = [daemon.answers[number].outcome for number, daemon in self._claims.items()]
        return [found.count(outcome) for outcome in (GRANTED, FULL, UNKNOWN)]

    def winners(self):
        """Returns the daemons whose claims were granted."""
        return {daemon for number, daemon in self._claims.items() if daemon.answers[number].outcome == GRANTED}

    def release(self):
        for number, daemon in self._claims.items():
            daemon.release(number)

    def _is_answered(self):
        return all(number in daemon.answers for number, daemon in self._claims.items())
