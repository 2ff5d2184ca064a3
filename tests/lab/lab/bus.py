# SPDX-License-Identifier: MIT
"""A connection to a machine's system bus for calls with wrong types, oversized arguments and at a high rate.

The command-line tools in the machine need a process for each call and accept no argument over 128 KiB.
"""

import contextlib
import itertools
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Iterator

from . import dbus_wire as wire
from .machine import Machine

# The bus gets the caller's UID from the kernel, for the process that connected. Therefore a process with the user's UID
# connects and passes the connection back. Its working directory is one that the user cannot reach from this host.
CONNECT = """
import socket
bus = socket.socket(socket.AF_UNIX)
bus.connect("system_bus_socket")
socket.send_fds(socket.socket(fileno=0), [b"."], [bus.fileno()])
"""


class Bus:
    """A connection with the credentials of a user of the machine. timeout: seconds, for each wait."""

    def __init__(self, machine: Machine, user: str, timeout: float = 20) -> None:
        uid = int(machine.run("id", "-u", user).stdout)
        self._serials = itertools.count(1)
        self._unread = b""
        self._socket = _connect(machine.path("/run/dbus"), uid)
        self._socket.settimeout(timeout)
        self._socket.sendall(b"\0AUTH EXTERNAL %s\r\n" % str(uid).encode().hex().encode())
        answer = self._socket.recv(4096)
        if not answer.startswith(b"OK "):
            raise ConnectionError(f"the bus replied {answer!r}")
        self._socket.sendall(b"BEGIN\r\n")
        self.call("org.freedesktop.DBus.Hello", destination="org.freedesktop.DBus", path="/org/freedesktop/DBus")

    def __enter__(self) -> "Bus":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def send(
        self,
        member: str,
        signature: str = "",
        *values: Any,
        destination: str = "org.sesslimit1",
        path: str = "/org/sesslimit1",
    ) -> int:
        """Sends a call without waiting for the reply. Returns its serial. Values: see dbus_wire.marshal()."""
        serial = next(self._serials)
        self._socket.sendall(wire.call(serial, destination, path, member, signature, values))
        return serial

    def receive(self) -> wire.Message:
        """Returns the next reply, to any call."""
        while True:
            message = wire.parsed(self._message())
            if message.kind in (wire.METHOD_RETURN, wire.ERROR):
                return message

    def call(self, member: str, signature: str = "", *values: Any, **where: str) -> wire.Message:
        serial = self.send(member, signature, *values, **where)
        while (answer := self.receive()).reply_to != serial:
            pass
        return answer

    def calls(self) -> Iterator[wire.Message]:
        """Yields the method calls from other connections, until the connection is closed."""
        self._socket.settimeout(None)
        while True:
            message = wire.parsed(self._message())
            if message.kind == wire.METHOD_CALL:
                yield message

    def answer(self, call: wire.Message, signature: str = "", *values: Any) -> None:
        self._socket.sendall(wire.reply(next(self._serials), call, signature, values))

    def refuse(self, call: wire.Message, name: str, text: str) -> None:
        """Replies with an error."""
        self._socket.sendall(wire.error(next(self._serials), call, name, text))

    def close(self) -> None:
        """Closes the connection. Another thread that reads from it gets a ConnectionError."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _message(self) -> bytes:
        while len(self._unread) < 16 or len(self._unread) < wire.length(self._unread):
            data = self._socket.recv(1 << 18)
            if not data:
                raise ConnectionError("the bus has closed the connection")
            self._unread += data
        size = wire.length(self._unread)
        message, self._unread = self._unread[:size], self._unread[size:]
        return message


class Flood:
    """with Flood(bus, calls, 1000) as flood: repeats the calls at this rate per second and counts the replies.

    calls: tuples of arguments of Bus.send(). answers: number of replies by the name of the error, "" for success.
    """

    def __init__(self, bus: Bus, calls: list[tuple], rate: int) -> None:
        self.sent = 0
        self.answers: Counter[str] = Counter()
        self.seconds = 0.0
        self._bus, self._calls, self._rate = bus, itertools.cycle(calls), rate
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send), threading.Thread(target=self._receive)]

    def __enter__(self) -> "Flood":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        began = time.monotonic()
        while not self._stop.is_set():
            due = int((time.monotonic() - began) * self._rate)
            for _ in range(due - self.sent):
                self._bus.send(*next(self._calls))
                self.sent += 1
            time.sleep(0.005)
        self.seconds = time.monotonic() - began
        self._bus.send(*next(self._calls))  # the reply to this additional call wakes the other thread
        self.sent += 1

    def _receive(self) -> None:
        while not self._stop.is_set() or self.answers.total() < self.sent:
            self.answers[self._bus.receive().error] += 1


def _connect(directory: Path, uid: int) -> socket.socket:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        argv = [sys.executable, "-c", CONNECT]
        subprocess.run(argv, stdin=theirs, cwd=directory, user=uid, group=uid, extra_groups=[], check=True)
        _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    return socket.socket(fileno=fds[0])
