# SPDX-License-Identifier: MIT
"""TCP servers and clients in the network of a machine. They run in threads of this process, outside of any session."""

import contextlib
import ctypes
import os
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterator

from .machine import Machine

CLONE_NEWNET = 0x40000000  # linux/sched.h
TIMEOUT = 20  # seconds until a connection is established, and until an answer has arrived

_libc = ctypes.CDLL(None, use_errno=True)


def _inside(machine: Machine, create: Callable[[], socket.socket]) -> socket.socket:
    """Calls create() in a thread that has entered the machine's network namespace."""

    def enter() -> socket.socket:
        with open(f"/proc/{machine.pid}/ns/net", "rb") as namespace:
            if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        return create()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(enter).result()


def connect(machine: Machine, port: int) -> socket.socket:
    """Connects to a port of 127.0.0.1 in the machine."""
    return _inside(machine, lambda: socket.create_connection(("127.0.0.1", port), TIMEOUT))


def connect_by_socks(machine: Machine, proxy: int, port: int) -> socket.socket:
    """Connects to a port of 127.0.0.1 through the SOCKS5 server on the port `proxy` (RFC 1928)."""
    connection = connect(machine, proxy)
    connection.sendall(b"\5\1\0")
    receive(connection, 2)
    connection.sendall(b"\5\1\0\1" + socket.inet_aton("127.0.0.1") + struct.pack("!H", port))
    answer = receive(connection, 10)
    assert answer[1] == 0, answer
    return connection


def receive(connection: socket.socket, size: int) -> bytes:
    """Reads exactly `size` bytes. Raises OSError if the connection ends or no data arrives in time."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionResetError("the connection was closed")
        data += piece
    return data


def exchange(connection: socket.socket, size: int) -> None:
    """Sends `size` bytes to a server that runs echo(), and waits until they have come back."""
    data = os.urandom(size)
    connection.sendall(data)
    assert receive(connection, size) == data


def in_thread(serve: Callable[[socket.socket], None], connection: socket.socket) -> None:
    """Calls serve(connection) in a thread, until the connection fails."""

    def run() -> None:
        with connection, contextlib.suppress(OSError):
            serve(connection)

    threading.Thread(target=run, daemon=True).start()


@contextlib.contextmanager
def serving(machine: Machine, port: int, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    """Listens on a port of 127.0.0.1 in the machine. Calls serve(connection) in a thread for each connection."""
    listener = _inside(machine, lambda: socket.create_server(("127.0.0.1", port)))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                in_thread(serve, listener.accept()[0])

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # accept() returns
        thread.join()
        listener.close()


def echo(connection: socket.socket) -> None:
    while data := connection.recv(65536):
        connection.sendall(data)


def beat(connection: socket.socket, data: bytes = bytes(19), every: float = 5) -> None:
    """Sends the same data at regular intervals, as an editor and its server do when the user has left them alone."""
    while True:
        connection.sendall(data)
        time.sleep(every)
