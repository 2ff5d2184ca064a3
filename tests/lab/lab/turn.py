# SPDX-License-Identifier: MIT
"""Whose turn it is on this host's processors: storms run alone, everything else side by side."""

import contextlib
import fcntl
from typing import Iterator

from .base import CACHE


@contextlib.contextmanager
def turn(alone: bool) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    # flock lets new readers pass a waiting writer for ever; the door, which each of them takes first, does not.
    with open(CACHE / "door.lock", "w", encoding="ascii") as door, open(CACHE / "room.lock", "w", encoding="ascii") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
