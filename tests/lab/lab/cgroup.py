# SPDX-License-Identifier: MIT
"""One cgroup a machine: every process of it, clients included, can be ended at once and no other is touched."""

import os
import time
from pathlib import Path

TREE = "sesslimit-lab"


def hierarchy() -> Path:
    """Where the cgroup2 hierarchy is mounted (on hybrid hosts not at /sys/fs/cgroup itself)."""
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


def end(group: Path, timeout: float = 10) -> None:
    """Ends every process in the group with SIGKILL and removes it; nothing happens when it is not there."""
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
