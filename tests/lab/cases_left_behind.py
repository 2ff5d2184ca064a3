# SPDX-License-Identifier: MIT
"""Field cases of processes that still run after a logout.

Not collected by default: tests/run cases. Each case fails with the packages of 8a1275f.
"""

import time

import pytest

from lab import client, ctl
from lab.left_behind import fingerprint, left_behind
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


def running(host):
    """Returns the programs of PROGRAMS that alice runs."""
    lines = host.run("ps", "-ww", "-u", "alice", "-o", "args=", check=False).stdout
    return [name for name in PROGRAMS.values() if name in lines]


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


def expire(host, keep, command):
    """Starts programs in a session that reaches its maximum duration, while `keep` preserves them."""
    host.limit("alice", f'max_duration = "10s"\nwarn_before = []\nkeep = {keep}')
    shell = client.shell(host, "alice")
    shell.prompt()
    shell.send(f"{command}; echo started $((40 + 2))\n")
    shell.expect("started 42", 20)
    shell.wait(40)
    return wait_until("the kept programs", lambda: left_behind(host), 20)[0]


@pytest.mark.parametrize("end", ["end", "end-user", "end-credential"])
def case_D01_kept_programs_are_listed_and_terminated_on_request(host, saw, end):
    kept = expire(host, '["tmux", "screen"]', "tmux new-session -d -s work; screen -dmS work sleep 6161")
    assert len(kept) == 1 and kept[0]["scope"].startswith("sesslimit-kept-"), kept
    assert kept[0]["credential"] == fingerprint(host)
    host.run("systemctl", "restart", "sesslimitd")
    assert wait_until("the kept programs after a restart", lambda: left_behind(host), 10)[0][0]["id"] == kept[0]["id"]
    host.run("pgrep", "-u", "alice", "tmux")
    arguments = {"end": [kept[0]["id"]], "end-user": ["alice"], "end-credential": [fingerprint(host)]}[end]
    ctl.text(host, end, *arguments)
    wait_until("an empty list", lambda: not left_behind(host), 15)
    programs = lambda: host.run("pgrep", "-u", "alice", "tmux|SCREEN", check=False).stdout
    wait_until("the end of the programs", lambda: not programs(), 5)
    host.wait_clean("alice")
    saw(f"programs of keep: listed as left behind with their credential, also after a restart; {end} terminates them")


def case_D01_kept_programs_that_exit_are_no_longer_listed(host, saw):
    expire(host, '["screen"]', "screen -dmS work sleep 6161")
    host.run("pkill", "-u", "alice", "-fx", "sleep 6161")
    wait_until("an empty list", lambda: not left_behind(host), 10)
    host.wait_clean("alice")
    saw("a kept program that has exited is no longer listed")
