# SPDX-License-Identifier: MIT
"""max_sessions is exact even for concurrent logins, and a denied login leaves no process behind."""

import re
import time

import pytest

from lab import client
from lab.machine import wait_until

DENIED = 254  # exit status of an ssh client whose shell was denied
ROUNDS = 10


def listed(output):
    """Returns the lines of a denial that list an open session: which, since when, from which host."""
    return [line for line in output.splitlines() if re.search(r"\bsince\b.*\bfrom\b", line)]


def storm(host, user, count):
    """Opens `count` ssh shells at once. Returns those that were admitted and those that were denied."""
    shells = [client.shell(host, user) for _ in range(count)]
    verdicts = [shell.verdict() for shell in shells]
    return (
        [shell for shell, admitted in zip(shells, verdicts) if admitted],
        [shell for shell, admitted in zip(shells, verdicts) if not admitted],
    )


@pytest.mark.storm
def test_twenty_concurrent_logins_admit_exactly_the_limit(host, saw):
    host.limit("alice", "max_sessions = 3")
    counts, latest, cleaned = [], 0.0, 0.0
    for _ in range(ROUNDS):
        admitted, denied = storm(host, "alice", 20)
        counts.append(len(admitted))
        assert len(admitted) == 3
        for shell in denied:
            assert shell.wait(20) == DENIED, shell.output
            assert "limit of 3 sessions reached" in shell.output
            assert len(listed(shell.output)) == 3, shell.output
            assert all("127.0.0.1" in line for line in listed(shell.output)), shell.output
            latest = max(latest, shell.ended_at - shell.started_at)
        # The denied logins must leave nothing while the admitted ones are still open.
        _, took = wait_until("3 logins left", lambda: len(host.sessions("alice")) == 3 and logins(host, "alice") == 3, 15)
        cleaned = max(cleaned, took)
        assert [shell.log_out() for shell in admitted] == [0, 0, 0]
        host.wait_clean("alice")
        for shell in admitted + denied:
            shell.close()
    time.sleep(15)
    assert host.leftovers("alice") == []
    saw(f"20 logins at once, {ROUNDS} rounds: admitted {counts}; the other 17 read the reason, exit {DENIED}")
    saw(f"slowest denial {latest:.1f} s after its client started; denied logins gone {cleaned:.2f} s later")
    saw("15 s after the last round: no logind session, no sshd process")


def logins(host, user):
    """Returns the number of connections that sshd serves for the user: one privileged process each."""
    return len([line for line in host.login_processes(user) if "[priv]" in line])


@pytest.mark.storm
def test_denied_forwards_leave_no_process(host, saw):
    host.limit("alice", "max_sessions = 3")
    shells = [client.shell(host, "alice") for _ in range(3)]
    assert [shell.verdict() for shell in shells] == [True] * 3
    began = time.monotonic()
    forwards = [client.forward(host, "alice") for _ in range(6)]
    statuses = [forward.wait(15) for forward in forwards]
    assert 0 not in statuses
    ended = time.monotonic() - began
    wait_until("3 logins left", lambda: logins(host, "alice") == 3 and len(host.sessions("alice")) == 3, 15)
    time.sleep(15)
    assert (logins(host, "alice"), len(host.sessions("alice"))) == (3, 3)
    assert all(shell.running for shell in shells)
    saw(f"limit 3 reached, 6 ssh -N: all ended {ended:.1f} s after they started, exit {sorted(set(statuses))}")
    saw("15 s later: the 3 shells, and no other logind session or sshd process")


def test_limit_of_one_denies_second_login_until_logout(host, saw):
    host.limit("alice", "max_sessions = 1")
    first = client.shell(host, "alice")
    assert first.verdict()
    second = client.shell(host, "alice")
    assert not second.verdict()
    assert second.wait(20) == DENIED
    assert "limit of 1 session reached" in second.output, second.output
    assert first.log_out() == 0
    began, failed = time.monotonic(), []
    for number in range(50):
        login = client.command(host, "alice", "true")
        if login.wait(20) != 0:
            failed.append((number, login.output))
        login.close()
    each = (time.monotonic() - began) / 50
    assert failed == []
    saw(f"limit 1: the second login is denied; 50 logins in sequence ({each:.2f} s each): none denied")
