# SPDX-License-Identifier: MIT
"""sesslimitctl set and unset: the running daemon applies the settings, and the journal names the person."""

import json
import random
import re
import time

import pytest

from lab import client, ctl
from lab.machine import wait_until

DROP_IN = "/etc/sesslimit/policy.d/90-set.toml"
RULE = ("--rule", "one", "--match", "user=alice")
KILLS = 30


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


def state_of_files(host):
    """Returns max_sessions of rule one in the file, that of alice in the policy in effect, and whether files differ."""
    written = int(ctl.text(host, "get", "--rule", "one", "max_sessions").removeprefix("max_sessions="))
    settings = ctl.data(host, "explain", "explain", "alice")["settings"]
    (effective,) = [int(each["value"]) for each in settings if each["name"] == "max_sessions"]
    return written, effective, ctl.data(host, "status", "status")["policy_files_changed"]


def test_kill_at_any_time_leaves_a_whole_file(unset, saw):
    host, old, differing, stopped = unset, 1, 0, 0
    assert ctl.run(host, "set", f"max_sessions={old}", *RULE).returncode == 0
    for number in range(2, KILLS + 2):
        pause = random.uniform(0, 0.03)
        host.sh(f"sesslimitctl set --rule one max_sessions={number} & sleep {pause:.3f}; "
                "kill -9 $! || true; wait || true")
        ctl.text(host, "check")
        # The daemon may still load the file when the command is killed.
        (written, effective, changed), _ = wait_until(
            "a comparison", lambda: (it := state_of_files(host)) and it[2] == (it[0] != it[1]) and it, 20)
        assert written in (old, number), (written, old, number)
        differing += changed
        stopped += written == old
        old = written
    # The daemon does not answer, so that the command is killed between the replacement of the file and the reload.
    host.run("kill", "-STOP", host.daemon_pid())
    host.sh(f"sesslimitctl set --rule one max_sessions=98 & while ! grep -q 98 {DROP_IN}; do sleep 0.1; done; "
            "kill -9 $!; wait || true")
    host.run("kill", "-CONT", host.daemon_pid())
    assert state_of_files(host) == (98, old, True)
    differing += 1
    done = ctl.run(host, "set", "--rule", "one", "max_sessions=99")
    assert done.returncode == 0 and "in effect" in done.stdout, done.stderr
    assert state_of_files(host) == (99, 99, False)
    assert ".new" not in host.sh("ls -A /etc/sesslimit/policy.d")
    saw(f"{KILLS} kills, {stopped} before the file was replaced: the file was whole each time; "
        f"status stated {differing} times that the daemon had another policy")


def test_full_disk_keeps_the_old_file(unset, saw):
    host = unset
    host.sh("mkdir -p /etc/sesslimit/policy.d && mount -t tmpfs -o size=64k tmpfs /etc/sesslimit/policy.d")
    try:
        assert "in effect" in ctl.run(host, "set", "max_sessions=5", *RULE).stdout
        before = host.read(DROP_IN)
        host.sh("head -c 1M /dev/zero > /etc/sesslimit/policy.d/filler 2>/dev/null || true")
        done = ctl.run(host, "set", "max_sessions=6", "--rule", "one")
        assert done.returncode == 1 and "No space left on device" in done.stderr, done.stderr
        assert host.read(DROP_IN) == before and state_of_files(host) == (5, 5, False)
        host.sh("rm /etc/sesslimit/policy.d/filler")
        assert ctl.run(host, "set", "max_sessions=6", "--rule", "one").returncode == 0
        assert state_of_files(host) == (6, 6, False)
    finally:
        host.sh("umount /etc/sesslimit/policy.d")
    saw(f"on a full disk: {done.stderr.strip()!r}, and the old file stays in effect")


def test_lockout_must_be_confirmed(unset, saw):
    host = unset
    alice = client.opened(client.shell(host, "alice"))
    (session,) = ctl.sessions(host, 1)
    question = re.escape("Change the policy anyway? [y/N] ")
    for answer in ("n", "y"):
        at = len(alice.output.encode())
        alice.send(f"sudo sesslimitctl set max_sessions=1 max_duration=1s {' '.join(RULE)}\n")
        alice.expect(question, 20, at)
        asked = alice.output.encode()[at:].decode()
        assert f"your session {session['id']} would be terminated" in asked, asked
        assert f"like that of your session {session['id']} would be denied: 1 of 1 sessions are open" in asked
        at = len(alice.output.encode())
        alice.send(f"{answer}\n")
        if answer == "n":
            alice.prompt(20, alice.expect("nothing was changed", 20, at).end)
            assert not host.path(DROP_IN).exists()
    # The change terminates alice's session, perhaps before the command has printed its result.
    wait_until("the change", lambda: host.path(DROP_IN).exists() and "max_sessions" in host.read(DROP_IN), 20)
    assert "nothing was changed" not in alice.output.encode()[at:].decode()
    warned = ctl.run(host, "set", "max_sessions=2", "--rule", "one")
    assert warned.returncode == 0 and warned.stderr == "", "root outside of a session is not locked out"
    saw(f"alice behind sudo reads {asked.strip().splitlines()[-3:]}")


def test_dry_run_lists_the_sessions_of_the_real_change(unset, saw):
    host = unset
    assert client.shell(host, "alice").verdict() and client.shell(host, "bob").verdict()
    ctl.sessions(host, 2)

    def ending(*options):
        report = ctl.check(json.loads(ctl.text(host, "set", "max_duration=2s", *RULE, *options, "--json=short")), "set")
        assert report["sessions_known"] is True
        return [(each["user"], each["id"], each["duration_ends_at"]) for each in report["ending_sooner"]]

    expected = ending("--dry-run")
    assert not host.path(DROP_IN).exists()
    (found,) = ending()
    assert [found[:2]] == [each[:2] for each in expected] and found[0] == "alice", (expected, found)
    assert abs(found[2] - expected[0][2]) < 10_000_000
    done = ctl.run(host, "set", "--dry-run", "max_duration=1s", *RULE, user="bob")
    assert done.returncode == 0 and "The effect on open sessions is not known: not allowed" in done.stdout, done.stdout
    saw(f"dry run and change name the same session: {found}; bob's dry run shows no sessions of others")


def test_status_compares_files_with_policy_in_effect(unset, saw):
    host = unset
    assert "which have changed since" not in ctl.text(host, "status")
    host.write("/etc/sesslimit/policy.toml", "version = 1\n[defaults]\nmax_sessions = 7\n")
    changed = ctl.text(host, "status")
    assert "Policy: loaded from the policy files, which have changed since (run 'sesslimitctl reload')" in changed
    assert ctl.run(host, "reload").returncode == 0
    assert "changed since" not in ctl.text(host, "status")
    host.write("/etc/sesslimit/policy.toml", "version = 1\n[defaults]\nmax_sesions = 7\n")
    assert ctl.run(host, "reload").returncode == 1
    rejected = ctl.text(host, "status")
    assert "/etc/sesslimit/policy.toml:3:1: error: unknown key \"max_sesions\"" in rejected, rejected
    host.write("/etc/sesslimit/policy.toml", "version = 1\n[defaults]\nmax_sessions = 7\n")
    assert "which the policy files contain again (run 'sesslimitctl reload')" in ctl.text(host, "status")
    assert ctl.run(host, "reload").returncode == 0
    assert "error" not in ctl.text(host, "status")
    saw("status: changed files, rejected files with their errors, and restored files are distinguished")
