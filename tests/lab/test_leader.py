# SPDX-License-Identifier: MIT
"""If the login process dies, its session ends: remaining processes are terminated and the slot is free."""

import time

from lab import client
from lab.machine import wait_until


def test_killed_leader_ends_session_and_frees_slot(host, saw):
    host.limit("alice", "max_sessions = 1")
    shell = client.shell(host, "alice")
    at = shell.prompt().end
    shell.send("nohup setsid sleep 1000 >/dev/null 2>&1 & echo started $((40 + 2))\n")
    shell.expect("started 42", 10, at)
    (session,), _ = wait_until("the session", lambda: host.sessions("alice"), 10)

    killed = time.monotonic()
    host.run("kill", "-9", str(session.leader))
    wait_until("the session's end", lambda: not host.sessions("alice") and not scope(host, session), 10, every=0.02)
    gone = time.monotonic() - killed
    login = client.shell(host, "alice")
    free = login.verdict()
    taken = time.monotonic() - killed
    assert free, login.output
    assert "sleep 1000" not in host.run("ps", "-eo", "args").stdout
    saw(f"limit 1, kill -9 of sshd's process: shell and nohup child gone after {gone:.2f} s, next shell after "
        f"{taken:.2f} s")


def scope(host, session):
    """Returns the cgroup of the session's scope, or "" if it has ended."""
    return host.run("systemctl", "show", "-P", "ControlGroup", session.scope).stdout.strip()
