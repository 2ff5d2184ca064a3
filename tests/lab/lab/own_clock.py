# SPDX-License-Identifier: MIT
"""Clocks that the daemon alone sees: a machine shares this host's, which no test may set and nobody can suspend."""

import os
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from .host import Host

SOURCE = Path(__file__).with_suffix(".c")
DIRECTORY = "/run/lab-clock"
LIBRARY = "/usr/local/lib/lab-own-clock.so"
DROP_IN = "/run/systemd/system/sesslimitd.service.d/lab-clock.conf"
STEP, STEPS = "qqq", 128  # as the source has them
TOLD = bytes(8)  # what a timer says that was cancelled


class OwnClock:
    """with OwnClock(host) as clock: the daemon is started anew with clocks that clock.set() and clock.suspend() move.

    Sessions of that time end before it does: to the daemon that follows they would be of the future.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._steps = 0

    def __enter__(self) -> "OwnClock":
        with tempfile.TemporaryDirectory() as directory:
            built = Path(directory) / "own_clock.so"
            options = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f'-DDIRECTORY="{DIRECTORY}"']
            subprocess.run(["cc", *options, "-o", built, SOURCE], check=True)
            self._host.path(LIBRARY).write_bytes(built.read_bytes())
        self._host.run("mkdir", "-p", DIRECTORY)
        self._host.path(f"{DIRECTORY}/steps").write_bytes(bytes(struct.calcsize(STEP) * STEPS))
        self._host.run("mkfifo", f"{DIRECTORY}/set")
        self._host.write(DROP_IN, f"[Service]\nEnvironment=LD_PRELOAD={LIBRARY}\n")
        self._restart()
        return self

    def __exit__(self, *_) -> None:
        self._host.run("rm", "-r", DROP_IN, DIRECTORY, LIBRARY)
        self._restart()

    def set(self, by: int) -> float:
        """The wall clock is set on by so many seconds, back if negative. Returns when."""
        return self._step(by, 0)

    def suspend(self, seconds: int) -> float:
        """The host was suspended for so long, and is back. Returns when."""
        return self._step(seconds, seconds)

    def _step(self, wall: int, boot: int) -> float:
        # From the next second on: a stamp of this one is of before. The kernel stamps by its last tick, 10 ms ago at most.
        now = time.time()
        time.sleep(1 - now % 1 + 0.02)
        entry = struct.pack(STEP, int(now) + 1, wall, boot)
        with open(self._host.path(f"{DIRECTORY}/steps"), "r+b", buffering=0) as steps:
            steps.seek(self._steps * len(entry))
            steps.write(entry)
        self._steps += 1
        fifo = os.open(self._host.path(f"{DIRECTORY}/set"), os.O_WRONLY | os.O_NONBLOCK)
        os.write(fifo, TOLD)
        os.close(fifo)
        return time.monotonic()

    def _restart(self) -> None:
        self._host.sh("systemctl daemon-reload && systemctl restart sesslimitd.service")
