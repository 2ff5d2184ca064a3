# SPDX-License-Identifier: MIT
"""sesslimitctl set and unset: the running daemon applies the settings, and the journal names the person."""

import time

import pytest

from lab import client, ctl

DROP_IN = "/etc/sesslimit/policy.d/90-set.toml"
RULE = ("--rule", "one", "--match", "user=alice")


@pytest.fixture
def unset(host):
    """The machine, whose drop-in is removed at the end."""
    yield host
    host.sh(f"rm -f {DROP_IN} && systemctl reload sesslimitd")


def test_daemon_is_on_the_bus_after_its_start(unset, saw):
    for number in range(1, 11):
        done = unset.run("sh", "-c", f"systemctl restart sesslimitd && sesslimitctl set max_sessions={number}")
        assert "in effect" in done.stdout and "not running" not in done.stdout, done.stdout
    saw("the daemon loaded the settings that followed each of 10 restarts at once")


def test_settings_apply_until_removed(unset, saw):
    host, since = unset, time.monotonic()
    done = ctl.run(host, "set", "max_sessions=1", *RULE)
    assert done.returncode == 0 and "in effect" in done.stdout and "not running" not in done.stdout, done.stdout
    first = client.opened(client.shell(host, "alice"))
    assert not client.shell(host, "alice").verdict()

    before = host.read(DROP_IN)
    rejected = ctl.run(host, "set", "max_sessions=-1", *RULE)
    assert rejected.returncode == 1 and "out of range" in rejected.stderr, rejected.stdout + rejected.stderr
    assert host.read(DROP_IN) == before
    assert not client.shell(host, "alice").verdict()

    assert ctl.run(host, "unset", "--rule", "one").returncode == 0
    second = client.opened(client.shell(host, "alice"))
    assert first.log_out() == second.log_out() == 0
    logged = host.journal("SESSLIMIT_EVENT=policy-set", "-o", "cat").splitlines()
    assert len(logged) >= 2 and all("root" in line for line in logged), logged
    assert not host.events("policy-rejected", since=since)
    saw(f"set: the second login is denied; unset: it is admitted; logged: {logged[0]!r}")
