# SPDX-License-Identifier: MIT
"""A system bus on which only systemd's property SystemState can be read."""

import contextlib
import socket
import struct
import threading

from lab.dbus_wire import METHOD_RETURN, REPLY_SERIAL, SIGNATURE, length, marshal


class SystemBus:
    def __init__(self, path):
        self.state = "running"
        self.asked = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.address = f"unix:path={path}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(EOFError, ConnectionError):
                    self._talk(connection)

    def _talk(self, connection):
        data = b""
        while not data.endswith(b"BEGIN\r\n"):
            data += received(connection, 1)
        connection.sendall(b"DATA\r\nOK " + b"0" * 31 + b"1\r\nAGREE_UNIX_FD\r\n")
        for serial in range(1, 100):
            head = received(connection, 16)
            message = head + received(connection, length(head) - 16)
            (asked,) = struct.unpack_from("<I", message, 8)
            if b"Hello\0" in message:
                signature, body = "s", marshal("s", ":1.1")
            else:
                assert b"SystemState\0" in message
                self.asked += 1
                signature, body = "v", marshal("v", ("s", self.state))
            fields = [(REPLY_SERIAL, ("u", asked)), (SIGNATURE, ("g", signature))]
            reply = bytearray(marshal("yyyyuua(yv)", ord("l"), METHOD_RETURN, 0, 1, len(body), serial, fields))
            connection.sendall(bytes(reply) + bytes(-len(reply) % 8) + body)


def received(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data
