# SPDX-License-Identifier: MIT
"""Clocks that only the daemons see. A machine shares this host's clocks, which a test must not set or suspend."""

import os
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Sequence

from .host import Host

SOURCE = Path(__file__).with_suffix(".c")
DIRECTORY = "/run/lab-clock"
LIBRARY = "/usr/local/lib/lab-own-clock.so"
DROP_IN = "/run/systemd/system/{unit}.d/lab-clock.conf"
STEP, STEPS = "qqq", 128  # as in the C source
TOLD = bytes(8)  # read from a timer that was canceled


class OwnClock:
    """with OwnClock(host) as clock: restarts the daemon with clocks that clock.set() and clock.suspend() change.

    `units` are the units with these clocks. Only sesslimitd is told that its wall clock has been set.

    Sessions of this period must end before it does, because their start times are in the future for the next daemon.
    """

    def __init__(self, host: Host, units: Sequence[str] = ("sesslimitd.service",)) -> None:
        self._host = host
        self._units = units
        self._drop_ins = [DROP_IN.format(unit=unit) for unit in units]
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
        for path in self._drop_ins:
            self._host.write(path, f"[Service]\nEnvironment=LD_PRELOAD={LIBRARY}\n")
        self._restart()
        return self

    def __exit__(self, *_) -> None:
        # The machine may have been restarted, and its /run with it.
        self._host.run("rm", "-rf", *self._drop_ins, DIRECTORY, LIBRARY)
        self._restart()

    def set(self, by: int) -> float:
        """Sets the wall clock forward by so many seconds, or back if negative. Returns the time of the change."""
        return self._step(by, 0)

    def suspend(self, seconds: int) -> float:
        """Simulates a suspend of so many seconds that has just ended. Returns the time of the resume."""
        return self._step(seconds, seconds)

    def _step(self, wall: int, boot: int) -> float:
        # The step takes effect in the next second, because a timestamp of the current second precedes it. The kernel
        # takes timestamps from its last tick, which is 10 ms ago at most.
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
        self._host.sh(f"systemctl daemon-reload && systemctl restart {' '.join(self._units)}")
