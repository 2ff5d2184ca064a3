# SPDX-License-Identifier: MIT
"""The daemon as a plain process, without systemd and logind, with its own ledger, socket and policy."""

import contextlib
import json
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

LEADERS = 1000  # processes that share the sessions of a full ledger
DESCRIPTORS = min(262144, resource.getrlimit(resource.RLIMIT_NOFILE)[1])  # LimitNOFILE= of the unit, if permitted
LED = DESCRIPTORS - 2048  # sessions whose leader the daemon can track, one descriptor each; others have no known leader
SERVER_CPU, CLIENT_CPU = 0, 1  # the same for both servers

POLICY = """version = 1
[defaults]
max_sessions = 10
max_duration = "12h"
idle_timeout = "2h"
warn_before  = ["5min", "1min"]
[[rule]]
name         = "from afar"
match.origin = ["192.0.2.0/24", "!192.0.2.128/25"]
max_sessions = 5
[[rule]]
name         = "root"
match.uid    = ["0"]
exempt       = true
"""


class Programs:
    """The programs in the build directory."""

    def __init__(self, build: Path) -> None:
        self.daemon = build / "daemon" / "sesslimitd"
        self.module = build / "pam" / "pam_sesslimit.so"
        for name in ("echo", "client", "fill", "login", "decide", "sockets"):
            setattr(self, name, build / "tests" / "bench" / f"bench_{name}")


def be_first() -> None:
    """Gives this process real-time priority, so that other processes do not delay servers and clients."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))


@contextlib.contextmanager
def directory():
    """Yields a new directory in memory, like /run."""
    path = Path(tempfile.mkdtemp(prefix="sesslimit-bench-", dir="/dev/shm"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextlib.contextmanager
def running(argv: list, cpu: int | None = None, first: bool = False, **options):
    """Runs a process until the end of the block. `cpu` pins it. Real-time priority is set with `cpu` or `first`."""

    def prepare():
        if first or cpu is not None:
            be_first()
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        if cpu is not None and (os.cpu_count() or 1) > cpu:
            os.sched_setaffinity(0, {cpu})

    process = subprocess.Popen([str(word) for word in argv], preexec_fn=prepare, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


@contextlib.contextmanager
def leaders(programs: Programs, place: Path, sessions: int, *more: object):
    """Creates a ledger of so many sessions, and runs the processes that are their leaders."""
    argv = [programs.fill, place, sessions, *(more or [min(LEADERS, max(1, sessions)), LED])]
    due = "due" in more  # then the leaders measure by their own clocks how late they were terminated
    with running(argv, first=due, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("the ledger was not created")
        yield process


@contextlib.contextmanager
def empty_bus(place: Path):
    """Runs a system bus without logind. The daemon is ready as soon as it knows that logind is absent."""
    argv = ["dbus-daemon", "--session", "--nofork", "--print-address", f"--address=unix:path={place}/bus"]
    with running(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield process.stdout.readline().decode().strip()


class Daemon:
    """with Daemon(programs, place, bus) as daemon: the daemon is ready and listens at daemon.socket"""

    def __init__(self, programs: Programs, place: Path, bus: str, policy: str = POLICY) -> None:
        self._programs, self.place, self._bus = programs, place, bus
        self.socket = place / "daemon.sock"
        self.seconds_to_ready = 0.0
        (place / "policy").mkdir(exist_ok=True)
        (place / "policy" / "policy.toml").write_text(policy, encoding="ascii")

    def __enter__(self) -> "Daemon":
        self._stack = contextlib.ExitStack()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            notified.bind(str(self.place / "notify"))
            notified.settimeout(60)
            environment = dict(
                os.environ, NOTIFY_SOCKET=str(self.place / "notify"), DBUS_SYSTEM_BUS_ADDRESS=self._bus
            )
            policy = self.place / "policy"
            argv = [self._programs.daemon, "--policy-dir", policy, "--runtime-dir", self.place, "--socket", self.socket]
            # The daemon's messages go to a file that is not read, because there is no journal here.
            said = self._stack.enter_context(open(self.place / "said", "wb"))
            began = time.monotonic()
            self.process = self._stack.enter_context(
                running(argv, SERVER_CPU, env=environment, stdout=said, stderr=said)
            )
            while b"READY=1" not in notified.recv(4096):
                pass
            self.seconds_to_ready = time.monotonic() - began
        (self.place / "notify").unlink()
        return self

    def __exit__(self, *exception) -> None:
        self._stack.close()

    def memory(self) -> dict[str, int]:
        """Returns RssAnon, RssFile, RssShmem and VmHWM of proc_pid_status(5), in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return {key: int(fields[key].split()[0]) * 1024 for key in ("RssAnon", "RssFile", "RssShmem", "VmHWM")}


@contextlib.contextmanager
def echo(programs: Programs, place: Path, *more: str):
    """Runs the bare server. Yields the path of its socket."""
    path = place / f"echo{''.join(more)}.sock"
    with running([programs.echo, path, *more], SERVER_CPU, stdout=subprocess.PIPE) as process:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("the bare server did not start")
        yield path


def ask(programs: Programs, path: Path, clients: int, seconds: float, gap_usec: int) -> dict:
    """Runs the clients for one round. Returns {"open": [ns], "close": [ns], "seconds": ...}."""

    def pin():
        be_first()
        if (os.cpu_count() or 1) > CLIENT_CPU:
            os.sched_setaffinity(0, {CLIENT_CPU})

    argv = [str(programs.client), str(path), str(clients), str(seconds), str(gap_usec)]
    done = subprocess.run(argv, preexec_fn=pin, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)
