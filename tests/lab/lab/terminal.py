# SPDX-License-Identifier: MIT
"""A program that is connected to a terminal or a pipe, with the time of each piece of its output."""

import os
import re
import select
import subprocess
import threading
import time
from dataclasses import dataclass

from .machine import Gone


GRACE = 50  # milliseconds that a program's output may arrive after its exit


@dataclass(frozen=True)
class Seen:
    """A text that was read, the time of its last byte (monotonic seconds), and the position after it."""

    text: str
    at: float
    end: int


class Terminal:
    """Reads the output of a process in a thread, until the process has exited and its output ends.

    process: the process whose exit is awaited. read_fd, write_fd: owned by this object; equal for a pty.
    """

    def __init__(self, process: subprocess.Popen, read_fd: int, write_fd: int, argv: list[str]) -> None:
        self.argv = argv
        self.started_at = time.monotonic()
        self.ended_at: float | None = None
        self._process = process
        self._pidfd = os.pidfd_open(process.pid)
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._pieces: list[tuple[int, float]] = []  # length of the output so far, and when it was reached
        self._bytes = bytearray()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read_all, daemon=True)
        self._thread.start()

    @property
    def output(self) -> str:
        with self._changed:
            return self._bytes.decode("utf-8", errors="replace")

    @property
    def running(self) -> bool:
        return self.ended_at is None

    @property
    def pid(self) -> int:
        """Returns the PID in this host's PID namespace."""
        return self._process.pid

    def send(self, text: str) -> float:
        """Types the text. Returns the time."""
        at = time.monotonic()
        os.write(self._write_fd, text.encode())
        return at

    def close_input(self) -> None:
        """Closes the standard input of a program that reads from a pipe."""
        os.close(self._write_fd)
        self._write_fd = -1

    def expect(self, pattern: str, timeout: float, after: int = 0) -> Seen:
        """Waits for output that matches, from position `after` on. Raises Gone if there is none in time."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                seen = self._search(pattern, after)
                if seen:
                    return seen
                if self.ended_at is not None or not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    how = "the program ended" if self.ended_at else f"{timeout:g} s passed"
                    raise Gone(f"{self.argv}: no {pattern!r}: {how}; it printed:\n{self._bytes.decode(errors='replace')}")

    def find(self, pattern: str, after: int = 0) -> Seen | None:
        """Returns what expect() would return for the output so far, or None."""
        with self._changed:
            return self._search(pattern, after)

    def wait(self, timeout: float) -> int:
        """Waits for the end of the program and of its output. Returns its exit status (negative: a signal)."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.ended_at is not None, timeout):
                printed = self._bytes.decode(errors="replace")
                raise Gone(f"{self.argv}: still running after {timeout:g} s; it printed:\n{printed}")
        return self._process.returncode

    def close(self) -> None:
        """Kills the program if it runs, and closes the descriptors."""
        if self._process.poll() is None:
            self._process.kill()
        self._thread.join(10)
        for fd in {self._read_fd, self._write_fd} - {-1}:
            os.close(fd)
        self._read_fd = self._write_fd = -1

    def _search(self, pattern: str, after: int) -> Seen | None:
        found = re.compile(pattern.encode()).search(self._bytes, after)
        if not found:
            return None
        at = next(at for length, at in self._pieces if length >= found.end())
        return Seen(found.group().decode("utf-8", errors="replace"), at, found.end())

    def _read_all(self) -> None:
        exited, either = select.poll(), select.poll()
        exited.register(self._pidfd, select.POLLIN)
        either.register(self._pidfd, select.POLLIN)
        either.register(self._read_fd, select.POLLIN)
        gone = False
        while self.ended_at is None:
            if not gone:
                either.poll()
                # Checked before the read, so that output written before the exit is still read after it.
                gone = bool(exited.poll(0))
            data = self._read_some(GRACE if gone else 0)
            if not data and not gone:
                # No process has the terminal open, which may be temporary, or the program has closed its pipe.
                exited.poll(GRACE)
                continue
            with self._changed:
                if data:
                    self._bytes += data
                    self._pieces.append((len(self._bytes), time.monotonic()))
                else:
                    self._process.wait()
                    self.ended_at = time.monotonic()
                self._changed.notify_all()
        os.close(self._pidfd)

    def _read_some(self, timeout: int) -> bytes:
        """Returns b"" if there is no output within the timeout (ms), at the end of a pipe, and if no process has the
        pty open."""
        output = select.poll()
        output.register(self._read_fd, select.POLLIN)
        try:
            return os.read(self._read_fd, 65536) if output.poll(timeout) else b""
        except OSError:
            return b""
