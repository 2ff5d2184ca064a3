# SPDX-License-Identifier: MIT
"""Field cases of messages that do not reach the user, or reach a program instead.

Not collected by default: tests/run cases. Each case fails with the packages of 8a1275f.
"""

import itertools
import re

import pytest

from lab import client, ctl
from lab.machine import Gone, wait_until
from lab.text import plain

REASON = "limit of 1 session reached"
# Parts of the text of a denial. Some programs show only its first bytes.
OURS = re.compile(r"\bLogi\b|Login denied|Open sessions|limit of|since \d\d:\d\d")

POLICY_D07 = """version = 1
[defaults]
max_sessions = 1
[[rule]]
name = "automation"
match.user = ["bob"]
quiet = true
[[rule]]
name = "root"
match.user = ["root"]
exempt = true
"""

# A command of each program that logs in as USER, and a part of its report of a denied login: with the text of the
# denial, as in the table of pam_sesslimit(8), and without it.
PROGRAMS = {
    "ssh": ("ssh USER@127.0.0.1 true", REASON, "exit 254"),
    "scp": ("scp -q /root/file USER@127.0.0.1:file", "Received message too long", "Connection closed"),
    "sftp": ("echo pwd | sftp -q -b - USER@127.0.0.1", "Received message too long", "Connection closed"),
    "rsync": ("rsync /root/file USER@127.0.0.1:file", "is your shell clean", "connection unexpectedly closed"),
    "git": ("git ls-remote USER@127.0.0.1:repo", "bad line length character", "Could not read from remote repository"),
}

COCKPIT = """exec 3<>/dev/tcp/127.0.0.1/9090
printf 'GET /cockpit/login HTTP/1.0\\r\\nHost: lab\\r\\nAuthorization: Basic %s\\r\\n\\r\\n' \\
    "$(printf USER:USER-secret | base64)" >&3
timeout 5 cat <&3 | grep -aE '^HTTP|^Login|^Permission'"""

# The same for programs that do not show the text, except Cockpit. The first item is the name of packages
# in base.LATER.
OTHER_PROGRAMS = {
    "ssh -J": ("", "ssh -J USER@127.0.0.1 127.0.0.1 true", *2 * ["stdio forwarding failed"]),
    "ssh -f -N -L": (
        "", "ssh -f -N -L 2299:127.0.0.1:22 USER@127.0.0.1; echo exit $?; sleep 5; ssh -p 2299 127.0.0.1 true",
        *2 * ["exit 0(?s:.*)port 2299: Connection refused"]),
    "ansible": (
        "ansible", "ansible all -i 127.0.0.1, -u USER -m ping",
        "UNREACHABLE(?s:.*)since(?s:.*)result 254", "UNREACHABLE(?s:.*)result 254"),
    "machinectl shell": ("machinectl", "machinectl shell USER@.host", *2 * ["Connection to the local host terminated"]),
    "Cockpit": ("cockpit", COCKPIT, REASON, "Permission denied"),
}


def case_D07_quiet_rule_keeps_text_out_of_protocols(host, saw):
    """alice has the defaults, which show the reason. A rule of bob sets quiet."""
    host.policy(POLICY_D07)
    host.sh("echo text > /root/file")
    watch = ctl.watch(host, "--json=short")
    shells = {user: client.shell(host, user) for user in ("alice", "bob")}
    for each in shells.values():
        each.prompt()
    reports = {user: {} for user in shells}
    for user, (name, (script, _, _)) in itertools.product(shells, PROGRAMS.items()):
        done = host.run("sh", "-c", script.replace("USER", user), check=False)
        assert done.returncode != 0, f"{name} of {user} is admitted at limit 1: {done}"
        reports[user][name] = f"exit {done.returncode}: {done.stdout}{done.stderr}".strip()
    for name, (_, with_text, without) in PROGRAMS.items():
        assert with_text in reports["alice"][name], (name, reports["alice"][name])
        assert without in reports["bob"][name], (name, reports["bob"][name])
        assert with_text not in reports["bob"][name] and not OURS.search(reports["bob"][name]), (
            f"{name} received text of sesslimit although quiet = true: {reports['bob'][name]}")
    denied = {user: client.shell(host, user) for user in shells}
    assert not any(each.verdict() for each in denied.values()), "a second shell is admitted at limit 1"
    assert denied["alice"].find(REASON), denied["alice"].output
    assert not OURS.search(denied["bob"].output), denied["bob"].output
    # The setting does not affect events.
    expected = len(shells) * (len(PROGRAMS) + 1)
    wait_until("the denials", lambda: watch.output.count('"event":"denied"') == expected, 10)
    assert all(each.running for each in shells.values())
    for user, setting in (("alice", "quiet = false"), ("bob", "quiet = true")):
        saw(f"{setting}: " + "; ".join(f"{name}: {text!r}" for name, text in reports[user].items()))


def wait_for_reason(shell, seconds=15):
    """Returns the text that a new shell shows about an earlier login or session. Returns None if it shows none."""
    shell.prompt()
    try:
        return shell.expect(r"On \d{4}-\d\d-\d\d \d\d:\d\d, ([^\r]*)\r", seconds).text.split(", ", 1)[1].strip()
    except Gone:
        return None


@pytest.mark.parametrize("program", list(OTHER_PROGRAMS))
def case_D07_reason_of_denial_is_shown_at_next_login(host, saw, program):
    package, script, with_text, without = OTHER_PROGRAMS[program]
    if package:
        host.install_later(package)
    host.policy(POLICY_D07)
    reports = {}
    for user, expected in (("alice", with_text), ("bob", without)):
        shell = client.shell(host, user)
        shell.prompt()
        denied = client.program(host, ["bash", "-c", script.replace("USER", user)], terminal=True)
        denied.wait(60)
        reports[user] = plain(denied.output)
        assert re.search(expected, reports[user]) and client.PROMPT not in reports[user], reports[user]
        assert shell.log_out() == 0
        host.wait_clean(user)
    assert bool(OURS.search(reports["alice"])) == (with_text != without), reports["alice"]
    assert not OURS.search(reports["bob"]), reports["bob"]
    reason = wait_for_reason(client.shell(host, "alice"))
    assert reason and reason.endswith("was denied: limit of 1 session reached."), reason
    assert not wait_for_reason(client.shell(host, "bob"), 6), "a reason is shown although quiet = true"
    saw(f"{program}: shows {reports['alice']!r}, with quiet {reports['bob']!r}; the next shell reads {reason!r}")


def case_D08_reason_without_terminal_shown_at_next_login(host, saw):
    limits = 'max_sessions = 2\nmax_duration = "10s"\nwarn_before = []'
    host.limit("alice", limits)
    tunnel = client.forward(host, "alice")
    tunnel.expect("Authenticated", 20)
    transfer = client.sftp(host, "alice")
    tunnel.wait(40)
    transfer.expect("closed by remote host", 40)
    host.run("systemctl", "restart", "sesslimitd")
    # A command has no terminal. The reason is shown at the next login that has one, and only once.
    command = client.command(host, "alice", "sleep 5")
    assert command.wait(20) == 0 and "terminated" not in command.output, command.output
    shells = [client.shell(host, "alice") for _ in range(2)]
    told = [wait_for_reason(each) for each in shells]
    assert sorted(map(bool, told)) == [False, True], told
    reason = next(each for each in told if each)
    assert re.fullmatch(r"session \S+ \(sshd, .*\) was terminated: maximum duration of 10s reached\.", reason), reason
    saw(f"sftp and ssh -N terminated: the next shell reads {reason!r}, also after a restart, and only one of two shells")


def case_D07_denied_connection_is_reported_at_next_login(host, saw):
    host.limit("alice", "max_sessions = 1")
    first = client.shell(host, "alice")
    first.prompt()
    tunnel = client.forward(host, "alice")
    assert tunnel.wait(20) != 0
    assert first.log_out() == 0
    host.wait_clean("alice")
    reason = wait_for_reason(client.shell(host, "alice"))
    assert reason == "a login (sshd, from 127.0.0.1) was denied: limit of 1 session reached.", reason

    # Nothing is written to a session without limits.
    assert client.forward(host, "alice").wait(20) != 0
    host.policy("version = 1\n")
    for shell in (client.shell(host, "alice"), client.shell(host, "alice")):
        assert not wait_for_reason(shell, 6), shell.output
    saw(f"denied ssh -N: the next shell reads {reason!r}; a session without limits reads nothing")
