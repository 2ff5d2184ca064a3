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
