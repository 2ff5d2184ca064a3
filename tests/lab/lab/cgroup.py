# SPDX-License-Identifier: MIT
"""One cgroup per machine, so that all of its processes, clients included, can be killed without affecting others."""

import os
import time
from pathlib import Path

TREE = "sesslimit-lab"


def hierarchy() -> Path:
    """Returns the mount point of the cgroup2 hierarchy (on hybrid hosts not /sys/fs/cgroup itself)."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, where, kind, *_ = line.split()
            if kind == "cgroup2":
                return Path(where)
    raise RuntimeError("no cgroup2 hierarchy is mounted")


def create(name: str) -> Path:
    group = hierarchy() / TREE / name
    for part in ("boot", "tools"):
        (group / part).mkdir(parents=True)
    return group


def end(group: Path, timeout: float = 60) -> None:
    """Kills every process in the group with SIGKILL and removes the group. Does nothing if it does not exist."""
    if not group.is_dir():
        return
    (group / "cgroup.kill").write_text("1", encoding="ascii")
    deadline = time.monotonic() + timeout
    while "populated 1" in (group / "cgroup.events").read_text(encoding="ascii"):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{group} still has processes")
        time.sleep(0.01)
    for path, _, _ in os.walk(group, topdown=False):
        os.rmdir(path)
