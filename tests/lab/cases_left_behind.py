# SPDX-License-Identifier: MIT
"""Field cases of processes that still run after a logout.

Not collected by default: tests/run cases. Each case fails with the packages of 8a1275f.
"""

import time

import pytest

from lab import client, ctl
from lab.left_behind import fingerprint, left_behind, open_sessions
from lab.machine import wait_until

LIMITS = 'max_sessions = 1\nidle_timeout = "10s"\nmax_duration = "15s"\nwarn_before = []'
EXPIRED = 18  # seconds until all limits would have terminated a session
IDLE, STEP = 16, 8  # seconds; terminals have timestamps in steps of this length

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
    wait_until("all programs", lambda: running(host) == list(PROGRAMS.values()), 10)


@pytest.mark.parametrize("end", ["end", "end-user", "end-credential"])
def case_B13_processes_left_behind_are_listed_and_terminated_on_request(host, saw, end):
    host.limit("alice", LIMITS)
    leave(host)
    wait_until("the list of sessions that are left behind", lambda: len(left_behind(host)) == len(PROGRAMS), 15)
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
    wait_until("the list to be empty", lambda: not left_behind(host), 15)
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
    wait_until("the end of the programs", lambda: not programs(), 15)
    host.wait_clean("alice")
    saw(f"programs of keep: listed as left behind with their credential, also after a restart; {end} terminates them")


def case_D01_kept_programs_that_exit_are_no_longer_listed(host, saw):
    expire(host, '["screen"]', "screen -dmS work sleep 6161")
    host.run("pkill", "-u", "alice", "-fx", "sleep 6161")
    wait_until("an empty list", lambda: not left_behind(host), 10)
    host.wait_clean("alice")
    saw("a kept program that has exited is no longer listed")


def terminal_of(shell):
    at = shell.prompt().end
    shell.send("tty\n")
    return shell.expect(r"pts/\d+", 10, at).text


def case_D01_dtach_is_kept(host, saw):
    expire(host, '["dtach"]', "dtach -n /tmp/lab-dtach sh -c 'while sleep 1; do echo still $((40 + 2)); done'")
    host.policy("version = 1\n")
    shell = client.opened(client.shell(host, "alice"))
    shell.send("dtach -a /tmp/lab-dtach\n")
    shell.expect("still 42", 10)
    ctl.text(host, "end-user", "alice")
    wait_until("the end of dtach", lambda: not host.run("pgrep", "-x", "dtach", check=False).stdout, 15)
    host.wait_clean("alice")
    saw("keep dtach: attached from the next login after max_duration; end-user terminates it")


def case_B13_screen_reattached_by_another_session(host, saw):
    """`screen -D -R` ends the session in which screen runs, and attaches to its windows, which are left behind."""
    host.limit("alice", f'max_sessions = 2\nidle_timeout = "{IDLE}s"\nwarn_before = []')
    first = client.opened(client.shell(host, "alice"))
    at = first.prompt().end
    first.send("screen -S work\n")
    first.expect(r"\$ ", 10, at)
    first.send("left=behind\n")
    second = client.shell(host, "alice")
    terminal = terminal_of(second)
    second.send("screen -D -R work\n")
    first.wait(20)
    wait_until("the logout of the first session", lambda: len(open_sessions(host, "alice")) == 1, 10)
    second.send("echo it is $left $(tty)\n")
    window = second.expect(r"it is behind /dev/(pts/\d+)", 10).text.split("/dev/")[1]
    (screen,), _ = wait_until("the windows", lambda: left_behind(host), 10)
    terminals = lambda: [each["terminals"] for each in open_sessions(host, "alice") + left_behind(host)]
    wait_until("their terminals", lambda: terminals() == [[terminal], [window]], 10)
    assert client.opened(client.shell(host, "alice")).log_out() == 0, "the windows of screen take a slot"

    used = time.monotonic()
    while time.monotonic() < used + IDLE + STEP + 4:
        last = second.send("true\n")
        time.sleep(2)
    assert second.running, f"terminated although it is used: {second.output}"
    second.expect(f"no activity for {IDLE}s", IDLE + STEP + 10)
    second.wait(10)
    lived = second.ended_at - last
    assert lived >= IDLE
    third = client.opened(client.shell(host, "alice"))
    third.send("screen -D -R work\n")
    at = len(third.output.encode())
    third.send("echo still $left\n")
    third.expect("still behind", 10, at)
    ctl.text(host, "end", screen["id"])
    third.expect("screen is terminating|ready> ", 10, at)
    wait_until("the end of screen", lambda: not host.run("pgrep", "-x", "screen", check=False).stdout, 15)
    saw("screen -D -R: the first session is logged out, its windows are left behind; the limits of the attached session "
        f"apply, which is terminated {lived:.1f} s after its last key; screen is attached again")
