# SPDX-License-Identifier: MIT
"""A policy with errors: all of them are logged with their location, and the previous policy stays in effect."""

import re

from lab import client
from lab.machine import wait_until

# Five errors of five kinds.
BROKEN = """version = 1
[defaults]
max_sessions = "many"
max_duration = "20 parsecs"
idle_timout = "5min"
[[rule]]
name = "test"
match.user = ["alice"]
max_sessions = -3
at_limit = "explode"
"""
# Line number: the text at which the error is reported.
MISTAKES = {3: '"many"', 4: "parsecs", 5: "idle_timout", 9: "-3", 10: '"explode"'}


def test_invalid_policy_is_rejected_with_all_errors(host, saw):
    host.limit("alice", "max_sessions = 1")
    shell = client.shell(host, "alice")
    assert shell.verdict()
    since = host.write_policy(BROKEN)
    wait_until("policy-rejected", lambda: host.events("policy-rejected", since=since), 10)
    told = host.journal_text(since, "_COMM=sesslimitd")
    places = {int(line): int(column) for line, column in re.findall(r"policy\.toml:(\d+):(\d+): ", told)}
    lines = BROKEN.splitlines()
    assert places == {line: lines[line - 1].index(wrong) + 1 for line, wrong in MISTAKES.items()}, told
    for line, column in places.items():
        assert f"\n{lines[line - 1]}\n{' ' * (column - 1)}^" in told, told
    assert not host.events("policy-loaded", since=since)

    denied = client.shell(host, "alice")
    assert not denied.verdict() and "limit of 1 session reached" in denied.output
    other = client.command(host, "bob", "true")
    assert other.wait(20) == 0
    assert shell.log_out() == 0
    assert client.command(host, "alice", "true").wait(20) == 0
    first = next(line for line in told.splitlines() if "policy.toml:" in line)
    saw(f"5 errors at {', '.join(f'{line}:{column}' for line, column in sorted(places.items()))}; first: {first}")
    saw("the previous limit of 1 is still enforced; other logins are admitted")
