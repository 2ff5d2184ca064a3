# SPDX-License-Identifier: MIT
"""Field cases of mosh, whose server runs on after the logout from ssh.

Not collected by default: tests/run cases. Each case fails with the packages of 8a1275f.
"""

import time

import pytest

from lab import client, ctl
from lab.left_behind import fingerprint, left_behind
from lab.machine import wait_until


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
    unused.expect("still 42", 20)
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
