# SPDX-License-Identifier: MIT
"""Scheduling of tests on this host's processors: storms run alone, all other tests run concurrently."""

import contextlib
import fcntl
from typing import Iterator

from .base import CACHE


@contextlib.contextmanager
def turn(alone: bool) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    # flock(2) lets new readers pass a waiting writer indefinitely. The lock "door", which all of them acquire first,
    # prevents that.
    with open(CACHE / "door.lock", "w", encoding="ascii") as door, open(CACHE / "room.lock", "w", encoding="ascii") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
