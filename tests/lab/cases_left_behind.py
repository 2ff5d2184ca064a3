# SPDX-License-Identifier: MIT
"""Field cases of processes that still run after a logout.

Not collected by default: tests/run cases. Each case fails with the packages of 8a1275f.
"""

import json
import time

import pytest

from lab import client, ctl
from lab.machine import wait_until

LIMITS = 'max_sessions = 1\nidle_timeout = "10s"\nmax_duration = "15s"\nwarn_before = []'
EXPIRED = 18  # seconds until all limits would have terminated a session

# Programs that continue after the command of ssh has ended, and the process that each of them leaves.
PROGRAMS = {
    "LC_ALL=C.UTF-8 mosh-server new -s 2>&1": "mosh-server",
    "setsid bash -c 'sleep 5151; :' >/dev/null 2>&1 </dev/null &": "sleep 5151",
    "screen -dmS work sleep 6161": "SCREEN -dmS work",
    "nohup sleep 7171 >/dev/null 2>&1 </dev/null &": "sleep 7171",
}


def left_behind(host):
    found = json.loads(ctl.text(host, "list", "--user", "alice", "--json=short"))
    return [each for each in found if each["state"] == "left-behind"]


def running(host):
    """Returns the programs of PROGRAMS that alice runs."""
    lines = host.run("ps", "-ww", "-u", "alice", "-o", "args=", check=False).stdout
    return [name for name in PROGRAMS.values() if name in lines]


def fingerprint(host):
    return host.run("ssh-keygen", "-lf", "/root/.ssh/id_ed25519.pub").stdout.split()[1]


def leave(host):
    """Logs in once for each program, which stays behind."""
    for command in PROGRAMS:
        login = client.command(host, "alice", command)
        assert login.wait(30) == 0, login.output
    wait_until("the logouts", lambda: not host.login_processes("alice"), 20)
    assert running(host) == list(PROGRAMS.values())


@pytest.mark.parametrize("end", ["end", "end-user", "end-credential"])
def case_B13_processes_left_behind_are_listed_and_terminated_on_request(host, saw, end):
    host.limit("alice", LIMITS)
    leave(host)
    wait_until("the list of sessions that are left behind", lambda: len(left_behind(host)) == len(PROGRAMS), 5)
    assert all(each["credential"] == fingerprint(host) for each in left_behind(host))
    time.sleep(EXPIRED)
    assert running(host) == list(PROGRAMS.values()), "no limit applies after the logout"
    host.run("systemctl", "restart", "sesslimitd")
    wait_until("the sessions after a restart", lambda: len(left_behind(host)) == len(PROGRAMS), 10)
    assert all(each["credential"] == fingerprint(host) for each in left_behind(host))

    ids = [each["id"] for each in left_behind(host)]
    arguments = {"end": ids, "end-user": ["alice"], "end-credential": [fingerprint(host)]}[end]
    said = ctl.text(host, end, *arguments)
    if end != "end":
        assert said.startswith(f"Terminating {len(PROGRAMS)} sessions"), said
    wait_until("all programs to exit", lambda: not running(host), 15)
    host.wait_clean("alice")
    wait_until("the list to be empty", lambda: not left_behind(host), 5)
    saw(f"{', '.join(PROGRAMS.values())}: listed as left behind after the logout, not counted, not subject to limits, "
        f"also after a restart of the daemon; sesslimitctl {end} leaves nothing")


def mosh(host):
    """Runs mosh as a user does, who connects through ssh and continues over UDP."""
    locale = ["env", "LC_ALL=C.UTF-8", "TERM=xterm"]
    return client.program(host, [*locale, "mosh", "--no-init", "alice@127.0.0.1"], terminal=True)


def mosh_servers(host):
    return len(host.run("pgrep", "-x", "mosh-server", check=False).stdout.split())


def wait_for_servers(host, number, timeout):
    return wait_until(f"{number} mosh servers", lambda: mosh_servers(host) == number, timeout)[1]


def case_B13_mosh_is_limited_once_it_was_used(host, saw):
    host.limit("alice", 'max_sessions = 1\nidle_timeout = "15s"\nwarn_before = ["5s"]')
    used, unused = (mosh(host) for _ in range(2))
    for session in (used, unused):
        session.prompt()
    wait_until("the logouts", lambda: len(left_behind(host)) == 2, 20)
    for _ in range(10):
        time.sleep(4)
        used.send("true\n")
    assert mosh_servers(host) == 2, "a session in use is not terminated"
    used.expect("This session ends in", 40)
    used.send("true\n")
    used.expect("stays open", 10)
    used.expect("This session was terminated", 40)
    wait_for_servers(host, 1, 15)
    unused.send("echo still $((40 + 2))\n")
    unused.expect("still 42", 10)
    saw("two mosh sessions at limit 1: warned and terminated as idle after use; not terminated as long as not used")


@pytest.mark.parametrize("count", ["false", "true"])
@pytest.mark.parametrize("limit", ["false", "true"])
@pytest.mark.parametrize("end", ["end", "end-user", "end-credential"])
def case_B13_mosh_with_each_combination_of_keys(host, saw, count, limit, end):
    settings = f"count_left_behind = {count}\nlimit_left_behind = {limit}"
    host.limit("alice", f'max_sessions = 1\nidle_timeout = "20s"\nwarn_before = []\n{settings}')
    moshes = [mosh(host)]
    moshes[0].prompt()
    wait_until("the logout", lambda: left_behind(host), 20)
    for _ in range(3):
        moshes.append(mosh(host))
        assert moshes[-1].verdict() == (count == "false"), moshes[-1].output
    opened = 4 if count == "false" else 1
    wait_until("the logouts", lambda: len(left_behind(host)) == opened, 20)
    assert mosh_servers(host) == opened
    if limit == "false":
        time.sleep(50)
        assert mosh_servers(host) == opened
    elif end == "end":
        wait_for_servers(host, 0, 60)
        moshes = [mosh(host)]  # a slot is free
        moshes[0].prompt()
        opened = 1
        wait_until("the logout", lambda: left_behind(host), 20)
    ids = [each["id"] for each in left_behind(host)]
    arguments = {"end": ids, "end-user": ["alice"], "end-credential": [fingerprint(host)]}[end]
    said = ctl.text(host, end, *arguments)
    wait_for_servers(host, 0, 15)
    host.wait_clean("alice")
    saw(f"count {count}, limit {limit}: {opened} mosh sessions; {end}: {said.splitlines()[0]}")
