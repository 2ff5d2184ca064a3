# SPDX-License-Identifier: MIT
"""Counts the shells of a user at short intervals during another operation."""

import os
import threading
import time
from pathlib import Path

from .machine import Machine

EVERY = 0.02  # seconds between two counts


class ShellCount:
    """with ShellCount(machine, "alice") as count: ...; afterwards count.most is the maximum.

    count.looks is the number of counts, and count.longest_gap the longest time between two of them.
    A shell is a process "bash" of the user that leads its kernel session. This includes shells started by sshd or
    login, and excludes processes that a shell forks. It is in the scope of a login session, or in sshd's cgroup if
    logind has no session for it.
    """

    def __init__(self, machine: Machine, user: str) -> None:
        uid = int(machine.run("id", "-u", user).stdout)
        payload = machine.group / "boot" / "payload"
        self._uid = uid
        self._slice = payload / "user.slice" / f"user-{uid}.slice"
        self._sshd = payload / "system.slice" / "ssh.service"
        self.most = 0
        self.looks = 0
        self.longest_gap = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "ShellCount":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    def now(self) -> int:
        groups = [*self._slice.glob("session-*.scope"), self._sshd]
        seen = {pid for group in groups for pid in _processes(group) if _is_shell(pid, self._uid)}
        # A shell that was seen early may have exited before a later one started. Only a shell that still runs was
        # running at the same time as all others.
        return sum(_is_shell(pid, self._uid) for pid in seen)

    def _watch(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(EVERY):
            self.most = max(self.most, self.now())
            self.looks += 1
            now = time.monotonic()
            self.longest_gap, last = max(self.longest_gap, now - last), now


def _processes(scope: Path) -> list[str]:
    try:
        return (scope / "cgroup.procs").read_text(encoding="ascii").split()
    except OSError:
        return []  # the session has ended


def _is_shell(pid: str, uid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        if os.stat(f"/proc/{pid}").st_uid != uid:
            return False
    except OSError:
        return False
    name, _, rest = stat.rpartition(")")
    return name.endswith("(bash") and rest.split()[3] == pid
