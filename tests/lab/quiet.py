# SPDX-License-Identifier: MIT
"""The daemon does not wake up on a host where nothing is due, regardless of the number of idle sessions.

Not collected by default: tests/run quiet.
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
SAMPLED = 30  # a twentieth of ten minutes
SETTLED = 35  # the timer that waits for logind's session of the last login expires after 30 s
USERS = ("alice", "bob", "carol")
LISTS = 5

# The clients read a FIFO that never gets any input, so that each shell waits for a key at its prompt.
CLIENT = 'exec 3<>/run/lab-hold; exec ssh -tt "$1@127.0.0.1" <&3 >/dev/null 2>&1'


@dataclass(frozen=True)
class Usage:
    """CPU usage of a process's threads since their start, from the kernel's counters (proc(5), sched-stats)."""

    wakeups: int  # voluntary context switches, which are one per wakeup
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
    """Returns how many watchdog notifications are allowed: one per half of the unit's WatchdogSec (sd_notify(3))."""
    shown = host.run("systemctl", "show", "-P", "WatchdogUSec", "--timestamp=us", "sesslimitd.service").stdout
    return int(seconds // (span(shown.strip()) / 2)) + 1


def span(text):
    """Returns the seconds of a time span in systemd's format: "1min 30s"."""
    units = {"h": 3600, "min": 60, "s": 1, "ms": 0.001, "us": 0.000001}
    return sum(float(word.rstrip("hminsu")) * units[word.lstrip("0123456789.")] for word in text.split())


@pytest.mark.storm
def test_idle_sessions_do_not_wake_daemon(host, saw):
    host.policy('version = 1\n[defaults]\nidle_timeout = "12h"\nmax_duration = "24h"\nwarn_before = ["5min"]\n')
    host.sh("mkfifo /run/lab-hold; systemctl stop cron")  # a cron job would wake the daemon up
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        clients = open_all(host, stack)
        opened = time.monotonic() - began
        assert len(ctl.data(host, "sessions", "list")) == SESSIONS
        pid = daemon(host)
        time.sleep(SETTLED)

        before = usage(pid)
        time.sleep(MINUTE)
        spent = usage(pid) - before
        allowed = pings(host, MINUTE)
        saw(f"{SESSIONS} idle ssh shells, opened in {opened:.0f} s: in {MINUTE} s the daemon woke up {spent.wakeups} "
            f"times (the watchdog allows {allowed}) and used {spent.seconds * 1000:.2f} ms of processor time")
        assert 0 < spent.wakeups <= allowed
        assert spent.seconds <= 0.005 * allowed

        # With this limit, the connections of all sessions are sampled every 30 s. The first probes come at once.
        host.policy('version = 1\n[defaults]\nidle_timeout = "10min"\nmax_duration = "24h"\nwarn_before = []\n')
        time.sleep(SAMPLED)
        before = usage(pid)
        time.sleep(MINUTE)
        spent, rounds = usage(pid) - before, MINUTE / SAMPLED
        saw(f"with samples of their connections every {SAMPLED} s: in {MINUTE} s the daemon woke up {spent.wakeups} "
            f"times and used {spent.seconds * 1000 / rounds:.1f} ms of processor time for each of {rounds:.0f} rounds")
        # A turn of the event loop answers for up to 64 sessions.
        assert rounds < spent.wakeups <= allowed + rounds * (SESSIONS / 64 + 20)
        assert spent.seconds <= 0.1 * rounds

        # Verifies the counter with calls that the daemon must answer.
        before, began = usage(pid), time.monotonic()
        for _ in range(LISTS):
            ctl.text(host, "list", "--no-legend")
        spent, allowed = usage(pid) - before, pings(host, time.monotonic() - began)
        saw(f"{LISTS} × sesslimitctl list: {spent.wakeups} wakeups, {spent.seconds * 1000:.2f} ms")
        assert spent.wakeups >= LISTS > allowed

        assert all(each.poll() is None for each in clients)
        assert shells(host) == SESSIONS and len(ctl.data(host, "sessions", "list")) == SESSIONS
    # The bus temporarily accepts no other client of root after so many at once (max_connections_per_user).
    wait_until(
        "no sessions",
        lambda: shells(host) == 0 and ctl.run(host, "list", "--json=short").stdout == "[]\n",
        120,
        every=1,
    )
    host.sh("rm /run/lab-hold; systemctl start cron")


def open_all(host, stack):
    """Starts a client per session, in batches, so that no login takes longer than the client's timeout."""
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
    """Returns the number of sessions with a shell, by the cgroups of their scopes."""
    scopes = (host.group / "boot" / "payload" / "user.slice").glob("user-*.slice/session-*.scope/cgroup.procs")
    return sum(any(is_shell(pid) for pid in processes(path)) for path in scopes)


def processes(path):
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []  # the session has ended


def is_shell(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").endswith("/bash")
    except OSError:
        return False


def daemon(host):
    (pid,) = processes(host.group / "boot" / "payload" / "system.slice" / "sesslimitd.service" / "cgroup.procs")
    return pid
