# SPDX-License-Identifier: MIT
"""A program with a terminal (or a pipe) in front of it, and the moment at which it said what."""

import os
import re
import select
import subprocess
import threading
import time
from dataclasses import dataclass

from .machine import Gone


@dataclass(frozen=True)
class Seen:
    """Something that was read: the text, when its last byte came (monotonic seconds), and where it ends."""

    text: str
    at: float
    end: int


class Terminal:
    """Reads what a process prints, in a thread of its own, until the process has gone and no more can come.

    process: what is waited for. read_fd, write_fd: owned by this object; equal for a pty.
    """

    def __init__(self, process: subprocess.Popen, read_fd: int, write_fd: int, argv: list[str]) -> None:
        self.argv = argv
        self.started_at = time.monotonic()
        self.ended_at: float | None = None
        self._process = process
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
        """As this host counts its processes."""
        return self._process.pid

    def send(self, text: str) -> float:
        """Types the text; returns when."""
        at = time.monotonic()
        os.write(self._write_fd, text.encode())
        return at

    def close_input(self) -> None:
        """End of file for a program that reads from a pipe."""
        os.close(self._write_fd)
        self._write_fd = -1

    def expect(self, pattern: str, timeout: float, after: int = 0) -> Seen:
        """Waits for a text that matches, from position `after` on. Raises Gone when it does not come."""
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
        """What expect() would return, if it is there already."""
        with self._changed:
            return self._search(pattern, after)

    def wait(self, timeout: float) -> int:
        """Waits for the end of the program and of its output; its exit status (negative: a signal)."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.ended_at is not None, timeout):
                raise Gone(f"{self.argv}: still there after {timeout:g} s; it printed:\n{self._bytes.decode(errors='replace')}")
        return self._process.returncode

    def close(self) -> None:
        """Ends the program if it runs, and gives the terminal back."""
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
        while True:
            # Looked at before the read: what a process wrote before its end is then still read after it.
            gone = self._process.poll() is not None
            data = self._read_some()
            with self._changed:
                if data:
                    self._bytes += data
                    self._pieces.append((len(self._bytes), time.monotonic()))
                elif gone:
                    self.ended_at = time.monotonic()
                self._changed.notify_all()
            if self.ended_at is not None:
                return
            if not data:
                time.sleep(0.01)

    def _read_some(self) -> bytes:
        """b"" when nothing comes for a moment, at the end of a pipe, and whenever nobody has the other side of the
        pty open, which may pass."""
        try:
            readable, _, _ = select.select([self._read_fd], [], [], 0.05)
            return os.read(self._read_fd, 65536) if readable else b""
        except OSError:
            return b""
