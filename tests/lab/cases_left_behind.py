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
    """Runs mosh, which connects through ssh, starts mosh-server, and logs out. Returns None if the login is denied."""
    before = len(left_behind(host))
    # mosh-client needs UTF-8 and a terminal with a size.
    command = "stty rows 24 cols 80; LC_ALL=C.UTF-8 TERM=xterm exec mosh --no-init alice@127.0.0.1"
    session = client.program(host, ["sh", "-c", command], terminal=True)
    if not session.verdict():
        return None
    wait_until("the logout", lambda: len(left_behind(host)) == before + 1, 20)
    return session


def mosh_servers(host):
    return len(host.run("pgrep", "-x", "mosh-server", check=False).stdout.split())


def wait_for_servers(host, number, timeout):
    return wait_until(f"{number} mosh servers", lambda: mosh_servers(host) == number, timeout)[1]


def wait_for_entries(host, since, text, number, timeout):
    written = lambda: host.journal_text(since, "_COMM=sesslimitd").count(text) >= number
    wait_until(f"{number} entries '{text}'", written, timeout)


def case_B13_mosh_is_limited_once_it_was_used(host, saw):
    host.limit("alice", 'max_sessions = 1\nidle_timeout = "20s"\nwarn_before = ["10s"]')
    since = time.monotonic()
    used, unused = (mosh(host) for _ in range(2))
    for _ in range(10):
        time.sleep(4)
        used.send("true\n")
    assert mosh_servers(host) == 2, "a session in use is not terminated"
    # mosh draws only what has changed, so its output does not contain whole lines.
    wait_for_entries(host, since, "Warned session", 1, 40)
    used.send("true\n")
    wait_for_entries(host, since, "Warned session", 2, 40)
    wait_for_entries(host, since, "Terminated session", 1, 20)
    used.wait(20)
    wait_for_servers(host, 1, 15)
    unused.send("echo still $((40 + 2))\n")
    unused.expect("still 42", 10)
    saw("two mosh sessions at limit 1: warned and terminated as idle after use; not terminated as long as not used")


@pytest.mark.parametrize(
    "count,limit,end",
    [
        ("false", "false", "end"),
        ("false", "false", "end-user"),
        ("false", "false", "end-credential"),
        ("false", "true", "end"),
        ("true", "false", "end-user"),
        ("true", "true", "end-credential"),
    ],
)
def case_B13_mosh_with_each_combination_of_keys(host, saw, count, limit, end):
    settings = f"count_left_behind = {count}\nlimit_left_behind = {limit}"
    host.limit("alice", f'max_sessions = 1\nidle_timeout = "45s"\nwarn_before = []\n{settings}')
    moshes = [mosh(host) for _ in range(4)]
    opened = len([each for each in moshes if each])
    assert moshes[0] and opened == (4 if count == "false" else 1)
    assert mosh_servers(host) == opened
    if limit == "false":
        time.sleep(60)
        assert mosh_servers(host) == opened
    elif end == "end":
        wait_for_servers(host, 0, 120)
        assert mosh(host), "a slot is free"
        opened = 1
    ids = [each["id"] for each in left_behind(host)]
    arguments = {"end": ids, "end-user": ["alice"], "end-credential": [fingerprint(host)]}[end]
    said = ctl.text(host, end, *arguments)
    wait_for_servers(host, 0, 15)
    host.wait_clean("alice")
    saw(f"count {count}, limit {limit}: {opened} mosh sessions; {end}: {said.splitlines()[0]}")


@pytest.mark.parametrize("end", ["end", "end-user", "end-credential"])
def case_D01_kept_programs_are_listed_and_terminated_on_request(host, saw, end):
    host.limit("alice", 'max_duration = "10s"\nwarn_before = []\nkeep = ["tmux", "screen"]')
    shell = client.shell(host, "alice")
    shell.prompt()
    shell.send("tmux new-session -d -s work; screen -dmS work sleep 6161; echo started $((40 + 2))\n")
    shell.expect("started 42", 20)
    shell.wait(40)
    kept = wait_until("the kept programs", lambda: left_behind(host), 20)[0]
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
    host.limit("alice", 'max_duration = "10s"\nwarn_before = []\nkeep = ["screen"]')
    shell = client.shell(host, "alice")
    shell.prompt()
    shell.send("screen -dmS work sleep 6161; echo started $((40 + 2))\n")
    shell.expect("started 42", 20)
    shell.wait(40)
    wait_until("the kept program", lambda: left_behind(host), 20)
    host.run("pkill", "-u", "alice", "-fx", "sleep 6161")
    wait_until("an empty list", lambda: not left_behind(host), 10)
    host.wait_clean("alice")
    saw("a kept program that has exited is no longer listed")
