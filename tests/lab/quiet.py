# SPDX-License-Identifier: MIT
"""A host on which nothing is due does not wake the daemon up, however many sessions are idle on it.

Not among the tests that run by themselves: tests/run quiet.
"""

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import ctl
from lab.machine import ENVIRONMENT, wait_until

SESSIONS = 500
BATCH = 20
MINUTE = 60
USERS = ("alice", "bob", "carol")
LISTS = 5

# Held by clients whose input never comes: a shell at its prompt, which waits for a key.
CLIENT = 'exec 3<>/run/lab-hold; exec ssh -tt "$1@127.0.0.1" <&3 >/dev/null 2>&1'


@dataclass(frozen=True)
class Usage:
    """What the threads of a process have done since they began, by the kernel's count (proc(5), sched-stats)."""

    wakeups: int  # how often one of them went to sleep of itself: once for each time that it was woken
    seconds: float  # of processor time

    def __sub__(self, other):
        return Usage(self.wakeups - other.wakeups, self.seconds - other.seconds)


def usage(pid):
    wakeups, nanoseconds = 0, 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        status = dict(line.split(":", 1) for line in (task / "status").read_text(encoding="utf-8").splitlines())
        wakeups += int(status["voluntary_ctxt_switches"])
        nanoseconds += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return Usage(wakeups, nanoseconds / 1e9)


def pings(host, seconds):
    """How often the watchdog may be told that the daemon lives: every half of what the unit says (sd_notify(3))."""
    shown = host.run("systemctl", "show", "-P", "WatchdogUSec", "--timestamp=us", "sesslimitd.service").stdout
    return int(seconds // (span(shown.strip()) / 2)) + 1


def span(text):
    """Seconds of a span as systemd prints it: "1min 30s"."""
    units = {"h": 3600, "min": 60, "s": 1, "ms": 0.001, "us": 0.000001}
    return sum(float(word.rstrip("hminsu")) * units[word.lstrip("0123456789.")] for word in text.split())


@pytest.mark.storm
def test_five_hundred_idle_sessions(host, saw):
    host.policy('version = 1\n[defaults]\nidle_timeout = "12h"\nmax_duration = "24h"\nwarn_before = ["5min"]\n')
    host.sh("mkfifo /run/lab-hold; systemctl stop cron")  # what it runs is something that is due
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        clients = open_all(host, stack)
        opened = time.monotonic() - began
        assert len(ctl.data(host, "sessions", "list")) == SESSIONS
        pid = daemon(host)
        settle(pid)

        before = usage(pid)
        time.sleep(MINUTE)
        spent = usage(pid) - before
        allowed = pings(host, MINUTE)
        saw(f"{SESSIONS} idle ssh shells, opened in {opened:.0f} s: in {MINUTE} s the daemon woke up {spent.wakeups} times "
            f"(the watchdog may have it do so {allowed} times) and took {spent.seconds * 1000:.2f} ms of processor time")
        assert 0 < spent.wakeups <= allowed
        assert spent.seconds <= 0.005 * allowed

        # The same count, where there is something to do.
        before, began = usage(pid), time.monotonic()
        for _ in range(LISTS):
            ctl.text(host, "list", "--no-legend")
        spent, allowed = usage(pid) - before, pings(host, time.monotonic() - began)
        saw(f"{LISTS} × sesslimitctl list: {spent.wakeups} times, {spent.seconds * 1000:.2f} ms")
        assert spent.wakeups >= LISTS > allowed

        assert all(each.poll() is None for each in clients)
        assert shells(host) == SESSIONS and len(ctl.data(host, "sessions", "list")) == SESSIONS
    # So many at once leave the bus no room for another client of root's for a moment (max_connections_per_user).
    wait_until("nobody left", lambda: shells(host) == 0 and ctl.run(host, "list", "--json=short").stdout == "[]\n", 120, every=1)
    host.sh("rm /run/lab-hold; systemctl start cron")


def open_all(host, stack):
    """A client a session, a batch at a time, so that none is kept waiting for longer than a client waits."""
    clients = []
    while len(clients) < SESSIONS:
        for _ in range(min(BATCH, SESSIONS - len(clients))):
            argv = ["sh", "-c", CLIENT, "sh", USERS[len(clients) % len(USERS)]]
            clients.append(subprocess.Popen(host.argv(argv), stdin=subprocess.DEVNULL, env=ENVIRONMENT))
            stack.callback(end, clients[-1])
        wait_until(f"{len(clients)} shells", lambda: shells(host) == len(clients), 120, every=0.2)
    return clients


def end(client):
    client.kill()
    client.wait(10)


def shells(host):
    """How many sessions have a shell: scopes of users with more than sshd in it, by the machine's cgroups."""
    scopes = (host.group / "boot" / "payload" / "user.slice").glob("user-*.slice/session-*.scope/cgroup.procs")
    return sum(any(is_shell(pid) for pid in processes(path)) for path in scopes)


def processes(path):
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []  # it ended in between


def is_shell(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").endswith("/bash")
    except OSError:
        return False


def daemon(host):
    (pid,) = processes(host.group / "boot" / "payload" / "system.slice" / "sesslimitd.service" / "cgroup.procs")
    return pid


def settle(pid):
    """Waits until what the last logins left to be done is done."""
    last = usage(pid).wakeups

    def is_quiet():
        nonlocal last
        before, last = last, usage(pid).wakeups
        return last == before

    wait_until("a quiet daemon", is_quiet, 60, every=5)
