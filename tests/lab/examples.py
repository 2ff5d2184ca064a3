# SPDX-License-Identifier: MIT
"""The policies in etc/examples, with people at work and people who are gone.

Not collected by default: tests/run examples. bastion, stig and pci-dss are tested for the full time of their idle limits.
The times of the others are divided by 60. Each policy has a machine of its own, and all run at the same time. The maximum
durations of bastion are tested with a clock that is moved forward.
"""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab import activity, client, logins
from lab.activity import Row, Session
from lab.base import PASSWORDS
from lab.host import Host
from lab.machine import wait_until
from lab.own_clock import OwnClock

POLICIES = Path(__file__).resolve().parents[2] / "etc" / "examples"
HOUR, MINUTE = 3600, 60
SECONDS = {"h": HOUR, "min": MINUTE, "s": 1}
UNLIMITED = float("inf")


@dataclass(frozen=True)
class Example:
    """idle, without_terminal: idle limits of ssh sessions in seconds. counted: words of idle_activity."""

    idle: float
    without_terminal: float
    counted: str = activity.NETWORK
    divisor: int = 1


EXAMPLES = {
    "bastion": Example(15 * MINUTE, 5 * MINUTE),
    "stig": Example(10 * MINUTE, 10 * MINUTE, counted="input"),
    "pci-dss": Example(15 * MINUTE, 15 * MINUTE),
    "compute-node": Example(12 * HOUR // 60, 12 * HOUR // 60, activity.ALL, divisor=60),
    "workstation": Example(4 * HOUR // 60, UNLIMITED, activity.ALL, divisor=60),
}


def typed_shell(host, user):
    login = logins.Login(client.shell(host, user))
    yield login
    login.client.prompt()
    login.typed_in = login.client


# For each session: the kind of login, whether it has a terminal, and the word of idle_activity that its use needs.
AT_WORK = {
    "shell, typed in": (typed_shell, True, "input"),
    "shell, -L, queries": (logins.tunnel(client.shell), True, "network"),
    "shell and scp by ControlMaster": (logins.transfer_beside_shell("scp"), True, "network"),
    "shell, tail -f": (logins.tail_in_shell, True, "output"),
    "-N -L, queries": (logins.tunnel(client.forward), False, None),
    "-J, typed in": (logins.through, False, None),
    "command, computing": (logins.computing, False, None),
}
GONE = {
    "shell": (logins.shell, True),
    "shell, tmux detached": (logins.detached_tmux, True),
    "-N": (logins.quiet_forward, False),
    "-N, ServerAliveInterval 5": (logins.keepalive_forward, False),
    "-J": (partial(logins.through, typed=False), False),
    "sftp": (logins.idle_sftp, False),
}


def policy_of(name):
    """Returns the text of the policy with its times divided."""
    divisor = EXAMPLES[name].divisor

    def divided(found):
        return f'"{int(found[1]) * SECONDS[found[2]] // divisor}s"'

    text = re.sub(r'"(\d+)(s|min|h)"', divided, (POLICIES / f"{name}.toml").read_text(encoding="utf-8"))
    # The sessions on the host behind the bastion are sessions of root on this one.
    return f'{text}\n[[rule]]\nname = "behind the bastion"\nmatch.user = "root"\nexempt = true\n'


def rows_of(example):
    """Returns the rows by name, with the time after which each is terminated, or None if it is kept."""

    def row(begin, has_terminal, used):
        limit = example.idle if has_terminal else example.without_terminal
        every = (limit / 5, limit / 2.5) if limit < UNLIMITED else (MINUTE, MINUTE)
        return Row(begin, every if used else None, idle=limit, period=0 if used else 5, is_limited=limit < UNLIMITED)

    at_work, gone = {}, {}
    for name, (begin, has_terminal, needs) in AT_WORK.items():
        is_kept = needs is None or needs in example.counted
        (at_work if is_kept else gone)[f"at work: {name}"] = row(begin, has_terminal, True)
    for name, (begin, has_terminal) in GONE.items():
        found = row(begin, has_terminal, False)
        (gone if found.is_limited else at_work)[f"gone: {name}"] = found
    return at_work, gone


def run(name, suite, debs, say):
    """Tests an example. Returns the rows that are wrong."""
    example = EXAMPLES[name]
    at_work, gone = rows_of(example)
    sessions = [Session(row, at_work.get(row) or gone[row], f"row{number:02}", 1)
                for number, row in enumerate([*at_work, *gone])]
    with Host(suite) as host:
        host.install_sesslimit(debs)
        activity.set_up(host, sessions)
        host.policy(policy_of(name))
        with logins.serving(host):
            wrong = people(host, name, sessions, gone, say)
        host.end_clients()
        if name == "bastion":
            durations(host, say)
    return wrong


def people(host, name, sessions, gone, say):
    since = time.monotonic()
    for each in sessions:
        each.start(host)
        time.sleep(activity.PACE)
    with ThreadPoolExecutor(len(sessions)) as pool:
        list(pool.map(Session.activate, sessions))
    # Sessions that are used, but not as the policy counts it, are idle since their last key.
    expected = {each.user for each in sessions if each.name in gone}
    longest = max(each.row.latest for each in sessions if each.name in gone)
    end = time.monotonic() + longest
    while time.monotonic() < end and not expected <= activity.ends(host, since).keys():
        time.sleep(5)
    time.sleep(EXAMPLES[name].idle / 10)
    ended = activity.ends(host, since)
    wrong = []
    for each in sessions:
        found = ended.get(each.user)
        late = found.at - each.last_use - each.row.idle if found else 0
        if each.name not in gone:
            result, is_right = ("kept", True) if found is None else (f"TERMINATED: {found.message}", False)
        elif found is None:
            result, is_right = "NOT TERMINATED", False
        elif each.name.startswith("gone"):
            result, is_right = activity.judge(each, found)
        else:
            result, is_right = f"terminated: {found.reason}", found.reason == "idle"
        limit = "unlimited" if each.row.idle == UNLIMITED else f"{each.row.idle:.0f} s"
        line = f"{name:12} {each.name:42} {limit:>9}  {result} {each.error}".rstrip()
        say(line)
        if not is_right or (each.error and each.name not in gone):
            wrong.append(line + f" ({late:.0f} s)")
    with ThreadPoolExecutor(len(sessions)) as pool:
        list(pool.map(Session.finish, sessions))
    return wrong


def durations(host, say):
    """A login with a password may last an hour on the bastion, and one with a key ten hours."""
    ended = partial(activity.ends, host)
    host.write("/etc/ssh/sshd_config.d/lab-password.conf", "Match User bob\n  AuthenticationMethods password\n")
    host.sh("systemctl reload ssh.service")
    with OwnClock(host) as clock:
        since = time.monotonic()
        by_key = client.shell(host, "alice")
        by_key.prompt()
        by_password = client.program(
            host, ["ssh", "-tt", "-o", "PreferredAuthentications=password", "bob@127.0.0.1"], terminal=True)
        by_password.expect("password: ", 20)
        by_password.send(f"{PASSWORDS['bob']}\n")
        by_password.prompt()
        for who, shell, hours in (("bob", by_password, 1), ("alice", by_key, 9)):
            # A limit that expires during a suspend is warned of first, so the last minutes pass in steps.
            for seconds in (hours * HOUR - 6 * MINUTE, 5 * MINUTE + 30):
                time.sleep(3)
                clock.suspend(seconds)
                for each in (by_key, by_password):
                    if each.running:
                        each.send("\n")
            found, took = wait_until(f"the end of {who}", lambda: ended(since).get(who), 90)
            assert found.reason == "duration", found
            assert shell is by_key or by_key.running
            say(f"bastion      {who}: {found.message} ({took:.0f} s after the last step)")


def test_examples_keep_sessions_in_use_and_terminate_abandoned_ones(suite, debs, own_turn, saw):
    lock = threading.Lock()

    def say(line):
        with lock:
            saw(line)

    with ThreadPoolExecutor(len(EXAMPLES)) as pool:
        wrong = sum(pool.map(lambda name: run(name, suite, debs, say), EXAMPLES), [])
    assert not wrong, "\n".join([*wrong, ""])
