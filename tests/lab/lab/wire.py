# SPDX-License-Identifier: MIT
"""Frames of docs/protocol.md, encoded by hand, including frames that the module never sends."""

import struct
import subprocess
import sys
from dataclasses import dataclass

from .machine import Machine

_HEADER = struct.Struct("=4sHHI")
_FIELD = struct.Struct("=HH")

OPEN, CLOSE, VERDICT = 1, 2, 3
_OPEN_TAGS = {"user": 1, "uid": 2, "gids": 3, "flags": 4, "service": 5, "tty": 6, "rhost": 7, "ruser": 8, "auth_info": 9,
              "connection": 10, "budget": 11, "seat": 12}
_OUTCOMES = {1: "admitted", 2: "uncounted", 3: "denied", 4: "failed", 5: "noted"}

# Runs as a process of the machine, so that the daemon can track it as a leader, but with this host's files. It sends a
# request for each line that it reads, and stays the leader of the admitted sessions until it exits.
_ASKER = """
import socket, sys
for line in sys.stdin:
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asking.settimeout(20)
    asking.connect(sys.argv[1])
    asking.send(bytes.fromhex(line))
    while (answer := asking.recv(1 << 16))[6:8] == b"\\4\\0":  # wait
        pass
    print(answer.hex(), flush=True)
"""


@dataclass(frozen=True)
class Verdict:
    outcome: str
    session: int
    text: bytes


def open_frame(**fields: bytes | int | list[int]) -> bytes:
    """Encodes an open request: texts as bytes, numbers as int, group IDs as a list; see docs/protocol.md."""
    return frame(OPEN, [(_OPEN_TAGS[name], _value(value)) for name, value in fields.items()])


def frame(kind: int, fields: list[tuple[int, bytes]]) -> bytes:
    body = b"".join(_FIELD.pack(tag, len(value)) + value for tag, value in fields)
    return _HEADER.pack(b"SLIM", 1, kind, len(body)) + body


def verdict(data: bytes) -> Verdict:
    _, _, kind, length = _HEADER.unpack_from(data)
    assert kind == VERDICT and length == len(data) - _HEADER.size, data
    found, at = {}, _HEADER.size
    while at < len(data):
        tag, size = _FIELD.unpack_from(data, at)
        at += _FIELD.size
        found[tag], at = data[at : at + size], at + size
    return Verdict(_OUTCOMES[found[1][0]], int.from_bytes(found.get(2, b""), sys.byteorder), found.get(3, b""))


class Asker:
    """A process that sends requests as a login process does, and leads the admitted sessions until close()."""

    def __init__(self, machine: Machine) -> None:
        procs, socket = machine.group / "tools" / "cgroup.procs", machine.path("/run/sesslimit.sock")
        enter = ["nsenter", "--target", str(machine.pid), "--pid", "--", sys.executable, "-c", _ASKER, str(socket)]
        argv = ["sh", "-c", 'echo 0 > "$0" && exec "$@"', str(procs), *enter]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request: bytes) -> Verdict:
        self._process.stdin.write(request.hex() + "\n")
        self._process.stdin.flush()
        return verdict(bytes.fromhex(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def _value(value: bytes | int | list[int]) -> bytes:
    if isinstance(value, bytes):
        return value
    return b"".join(struct.pack("=I", each) for each in (value if isinstance(value, list) else [value]))
