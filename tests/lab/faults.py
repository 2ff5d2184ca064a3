# SPDX-License-Identifier: MIT
"""Storms of logins at a limit of 3: during faults of the daemon or of its dependencies, and with dead connections.

Not collected by default: tests/run faults. Every run is a row of the table at the end.
"""

import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time

import pytest

from lab import client, ctl
from lab.far import Far
from lab.left_behind import open_sessions
from lab.machine import wait_until
from lab.own_clock import OwnClock
from lab.shells import ShellCount
from lab.storm import Storm
from lab.text import DISPLACED

LIMIT = 3
WALKERS = 6
SECONDS = 8
BUDGET = 2.0  # seconds, of the installed module: timeout=2s
NOISE = 1.0  # additional seconds that a busy machine may need

POLICY = f'version = 1\n[[rule]]\nname = "test"\nmatch.user = ["alice"]\nmax_sessions = {LIMIT}\n'
STEPS = (365 * 86400, -365 * 86400, 3600, -3600, 1, -1)  # seconds

quiet = {}  # by suite: the outcome of a storm without a fault


@contextlib.contextmanager
def again_and_again(what, every):
    """Calls a function at a regular interval, in parallel to the block."""
    over = threading.Event()

    def go_on():
        while not over.wait(every):
            what()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def signal_daemon(host, number):
    for pid in host.daemon_pids_here():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


# --- faults: each is a context manager, and the fault continues within it


def nothing(_):
    return contextlib.nullcontext()


def killed(host):
    return again_and_again(lambda: signal_daemon(host, signal.SIGKILL), 0.2)


def logind_restarted(host):
    return again_and_again(lambda: host.run("systemctl", "restart", "systemd-logind.service", check=False), 1)


@contextlib.contextmanager
def bus_restarted(host):
    """logind of Debian 13 may not reconnect to the bus by itself, and is restarted at the end."""
    try:
        with again_and_again(lambda: host.run("systemctl", "restart", "dbus.service", check=False), 2):
            yield
    finally:
        # Each restart of the bus has restarted logind, more often than systemd's start limit allows.
        host.sh("systemctl reset-failed systemd-logind.service; systemctl restart systemd-logind.service")


@contextlib.contextmanager
def clock_stepped(host):
    """Every second, the wall clock of the daemon alone is set to another time."""
    with OwnClock(host) as clock, again_and_again(lambda: clock.set(random.choice(STEPS)), 0.2):
        yield


# Both scripts run as processes of the machine, with this host's files.
GARBAGE = """
import os, random, socket, sys, time
while True:
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asking.setblocking(False)
    try:
        asking.connect(sys.argv[1])
        size = random.choice([1, 11, 12, 13, 200, 5000, 32768, 60000])
        asking.send(random.choice([b"", b"SLIM\\1\\0\\1\\0"]) + os.urandom(size))
    except OSError:
        pass
    asking.close()
    time.sleep(0.001)
"""
HALF_OPEN = """
import socket, sys, time
held = []
while True:
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asking.setblocking(False)
    try:
        asking.connect(sys.argv[1])
        held.append(asking)
    except OSError:
        pass
    if len(held) > 900:
        held.pop(0).close()
    time.sleep(0.001)
"""


@contextlib.contextmanager
def flooded(host):
    """Sends, as root, up to 1000 garbage frames and opens as many connections without a request per second."""
    procs, socket = host.group / "tools" / "cgroup.procs", host.path("/run/sesslimit.sock")
    with contextlib.ExitStack() as stack:
        for script in (GARBAGE, HALF_OPEN):
            enter = ["nsenter", "--target", str(host.pid), "--pid", "--no-fork", "--", sys.executable, "-c"]
            # nsenter --no-fork enters the PID namespace only for its children. FORK creates one of them.
            command = [*enter, FORK.format(script=script), str(socket)]
            argv = ["sh", "-c", 'echo 0 > "$0" && exec "$@"', str(procs), *command]
            stack.callback(end, subprocess.Popen(argv, stdin=subprocess.DEVNULL))
        yield


# The parent waits for the child, so that killing the parent kills both.
FORK = """
import os, signal, ctypes
if os.fork():
    os.wait()
else:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    exec({script!r})
"""


def end(process):
    process.kill()
    process.wait(10)


@contextlib.contextmanager
def run_full(host):
    """Fills /run completely and frees it, alternately, and kills the daemon when it is full.

    The journal is stored elsewhere.
    """
    conf = "/etc/systemd/journald.conf.d/zz-lab.conf"
    host.write(conf, "[Journal]\nStorage=persistent\n")
    host.sh("mkdir -p /var/log/journal; systemctl restart systemd-journald; journalctl --flush")
    options = host.sh("grep ' /run ' /proc/mounts").split()[3]
    size = next(word for word in options.split(",") if word.startswith("size="))
    fill = "used=$(df --output=used -k /run | tail -1); mount -o remount,size=$((used + 64))k /run; "
    fill += "cat /dev/zero > /run/lab-fill || true; systemctl kill -s KILL sesslimitd.service || true"
    free = f"rm -f /run/lab-fill; mount -o remount,{size} /run"
    turns = [fill, free]

    def turn():
        host.sh(turns[0], check=False)
        turns.reverse()

    try:
        with again_and_again(turn, 0.5):
            yield
    finally:
        host.sh(free)
        host.sh(f"rm -r {conf} /var/log/journal; systemctl restart systemd-journald")


@contextlib.contextmanager
def short_of(host, resource_, limit):
    """Limits a resource of the current daemon process to limit(pid), also after a restart."""
    (pid,) = host.daemon_pids_here()
    least = limit(pid)

    def restrict(soft=least):
        for each in host.daemon_pids_here():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(each, resource_, (soft, resource.prlimit(each, resource_)[1]))

    restrict()
    try:
        with again_and_again(restrict, 0.1):
            yield
    finally:
        for each in host.daemon_pids_here():
            restrict(resource.prlimit(each, resource_)[1])


def out_of_descriptors(host):
    """Allows two more descriptors than the daemon has without any client."""
    return short_of(host, resource.RLIMIT_NOFILE, lambda pid: max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 3)


@contextlib.contextmanager
def out_of_memory(host):
    """Limits the daemon's address space, like LimitAS=, to its size without any client.

    Meanwhile reloads a policy that is larger than the free part of the heap.
    """

    def used(pid):
        lines = open(f"/proc/{pid}/status", encoding="ascii").read().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmSize")) * 1024

    host.write("/etc/sesslimit/policy.toml", POLICY + "# nothing\n" * 50_000)
    try:
        with short_of(host, resource.RLIMIT_AS, used):
            with again_and_again(lambda: signal_daemon(host, signal.SIGHUP), 0.3):
                yield
    finally:
        host.policy(POLICY)


@contextlib.contextmanager
def garbage_for_policy(host):
    """Writes another invalid policy every tenth of a second, and makes the daemon read it."""
    whole = POLICY.encode()
    pieces = [
        lambda: os.urandom(4096),
        lambda: whole[: random.randrange(1, len("version = 1"))],
        lambda: whole.replace(b"3", b'"x"'),
        lambda: whole + b"\nnonsense",
        lambda: b"[" * 5000,
        lambda: b"version = 2\n",
    ]

    def replace():
        host.path("/etc/sesslimit/policy.toml").write_bytes(random.choice(pieces)())
        signal_daemon(host, signal.SIGHUP)

    try:
        with again_and_again(replace, 0.1):
            yield
    finally:
        host.policy(POLICY)


FAULTS = {
    "no fault": nothing,
    "daemon killed every 200 ms": killed,
    "daemon killed, on_error=deny": killed,
    "logind restarted every second": logind_restarted,
    "dbus restarted every 2 s": bus_restarted,
    "daemon's clock set every second": clock_stepped,
    "socket flooded": flooded,
    "/run full": run_full,
    "out of descriptors": out_of_descriptors,
    "out of memory": out_of_memory,
    "garbage as policy": garbage_for_policy,
}


def storm(host, fault, arguments=""):
    host.policy(POLICY)
    host.module_arguments(f"debug {arguments}".strip())
    with fault(host), Storm(host, "alice", WALKERS) as going_on:
        time.sleep(SECONDS)
    return going_on.outcome


def leaked(host):
    """Returns the number of sessions that the daemon still lists although nothing is left of them.

    A session that has logged out may be listed once more, as left behind, until its processes have exited.
    """
    with contextlib.suppress(Exception):
        wait_until("an empty list", lambda: ctl.run(host, "list", "--json=short").stdout.strip() == "[]", 20, every=0.5)
        return 0
    return len(ctl.data(host, "sessions", "list"))


def refill(host):
    """Checks that exactly as many logins as the limit allows are admitted. Returns the number of leaked sessions."""
    shells = [client.shell(host, "alice") for _ in range(LIMIT)]
    assert [each.verdict() for each in shells] == [True] * LIMIT, [each.output for each in shells]
    assert not client.shell(host, "alice").verdict()
    assert [each.log_out() for each in shells] == [0] * LIMIT
    return leaked(host)


@pytest.mark.storm
@pytest.mark.parametrize("name", FAULTS)
def test_fault_does_not_exceed_limit_or_leak_sessions(host, suite, saw, name):
    if suite not in quiet:
        quiet[suite] = storm(host, nothing)
        leaked(host)
    denies = "on_error=deny" in name
    outcome = quiet[suite] if name == "no fault" else storm(host, FAULTS[name], "on_error=deny" if denies else "")
    left = leaked(host)
    host.start_daemon()
    saw(f"{name:31} tried {outcome.tried:3}  admitted {outcome.admitted:3} ({outcome.uncounted:2} uncounted)  denied "
        f"{outcome.denied:3}  failed {outcome.failed:3}  most shells {outcome.shells}  longest delay by the module "
        f"{outcome.module:5.3f} s, whole login {outcome.whole:5.2f} s  leaked {left}")
    assert outcome.admitted > 0 and outcome.timed >= outcome.denied
    assert outcome.shells <= LIMIT + outcome.uncounted
    assert not denies or outcome.uncounted == 0
    assert outcome.module <= BUDGET + max(NOISE, quiet[suite].module), outcome
    assert denies or outcome.failed <= quiet[suite].failed, outcome.odd
    assert left == 0
    assert refill(host) == 0


DEAD, STORM = 2, 60  # sessions whose client is dead, and logins at once


class Occupied:
    """Samples the number of sessions that occupy a slot, by the daemon's list, while the context lasts."""

    def __init__(self, host):
        self._host = host
        self.samples = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def now(self):
        return sum(each["state"] != "waiting" for each in open_sessions(self._host))

    def _run(self):
        while not self._stop.wait(0.1):
            self.samples.append(self.now())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


@pytest.mark.storm
@pytest.mark.parametrize("at_limit", ["deny", "end-oldest", "end-idlest"])
def test_storm_on_dead_connections_stays_within_limit(host, saw, at_limit):
    host.limit("alice", f'max_sessions = {LIMIT}\nat_limit = "{at_limit}"')
    with Far(host) as far, Occupied(host) as occupied, ShellCount(host, "alice") as shells:
        dead = [far.shell("alice") for _ in range(DEAD)]
        live = client.shell(host, "alice")
        for each in (*dead, live):
            each.prompt()
        for each in dead:
            each.send("while sleep 1; do echo here; done\n")
            each.expect("here\r", 20)
        far.cut()
        time.sleep(70)
        since = time.monotonic()
        logins = [client.shell(host, "alice") for _ in range(STORM)]
        admitted = [each for each in logins if each.verdict()]
        everyone = [live, *logins]
        wait_until("as many shells as the limit", lambda: sum(each.running for each in everyone) == LIMIT, 20)
        assert occupied.now() == LIMIT
    assert max(occupied.samples) <= LIMIT and shells.most <= LIMIT, (occupied.samples, shells.most)
    displaced = [each for each in (live, *admitted) if not each.running]
    denied = [each for each in logins if each not in admitted]
    assert [each.output for each in displaced if not each.find(DISPLACED)] == []
    assert [each.output for each in denied if not each.find(f"limit of {LIMIT} sessions reached")] == []
    if at_limit == "deny":
        assert (len(admitted), displaced) == (DEAD, []), (len(admitted), len(displaced))
    for each in everyone:
        if each.running:
            assert each.log_out() == 0
    host.wait_clean("alice")
    wait_until("an empty list", lambda: json.loads(ctl.text(host, "list", "--json=short")) == [], 10)
    assert len(host.end_reasons("alice", since, DEAD + len(displaced))) == DEAD + len(displaced)
    saw(f"{at_limit}: {STORM} logins at once, {DEAD} of {LIMIT} sessions with dead connections: {len(admitted)} admitted, "
        f"{len(denied)} denied, {len(displaced)} displaced with a notice; at most {max(occupied.samples)} sessions in "
        f"{len(occupied.samples)} lists and {shells.most} shells")
